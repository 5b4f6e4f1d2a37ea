/*
 * A complete backend for the golden suite of localnet, in C99 and without dependencies.
 *
 *     cc -std=c99 -O2 -o backend backend.c -lm
 *     localnet golden check --command './backend {case} {out}'
 *
 * It is started once for every case, with the folder of the case and a folder for the
 * answers: it reads config.json and x, kernel, bias and dy, and writes y, dx, dkernel
 * and dbias. Exit status 77 skips a case. With -DREAL=float it computes in float32 and
 * skips the cases that need more.
 *
 * Put your own kernels in the place of forward() and backward(), and keep the rest.
 *
 * Symbols: N samples, S input sizes, C channels, R kernel size, O output sizes,
 * L = prod(O) locations, K = prod(R)*C values under one window, F filters.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#ifndef REAL
#define REAL double
#endif
typedef REAL real;

enum { SKIP = 77, MAX_AXES = 3 };

static void fail(const char *what, const char *about)
{
    fprintf(stderr, "backend: %s %s\n", what, about);
    exit(1);
}

static void skip(const char *what, const char *about)
{
    fprintf(stderr, "backend: no %s %s\n", what, about);
    exit(SKIP);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        fail("out of memory", "");
    return memory;
}

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        fail("path too long:", folder);
    return fopen(path, mode);
}

/* ---- config.json: every key occurs once, so that finding it is reading it ---- */

static char *read_text(const char *folder, const char *name)
{
    FILE *file = open_file(folder, name, "rb");
    if (!file)
        fail("cannot open", name);
    size_t length = 0, room = 1024;
    char *text = allocate(room, 1);
    for (int c; (c = getc(file)) != EOF; text[length++] = (char)c)
        if (length + 1 == room && !(text = realloc(text, room *= 2)))
            fail("out of memory", "");
    text[length] = 0;
    fclose(file);
    return text;
}

static const char *find_value(const char *json, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *at = strstr(json, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), ": \n") : NULL;
}

/* Reads 2 or [2, 3] or [[1, 1], [0, 2]]; returns how many numbers there were. */
static int get_numbers(const char *json, const char *key, double *out, int most)
{
    const char *at = find_value(json, key);
    if (!at)
        fail("config.json lacks", key);
    int count = 0, depth = 0;
    do {
        if (*at == '[' || *at == ']') {
            depth += *at++ == '[' ? 1 : -1;
        } else if (strchr("-0123456789", *at) && *at) {
            char *end;
            if (count == most)
                fail("too many numbers:", key);
            out[count++] = strtod(at, &end);
            at = end;
        } else if (*at++ == 0) {
            fail("config.json ends within", key);
        }
    } while (depth > 0);
    return count;
}

static double get_option(const char *json, const char *key, double otherwise)
{
    if (find_value(json, key))
        get_numbers(json, key, &otherwise, 1);
    return otherwise;
}

static void get_integers(const char *json, const char *key, long *out, int count)
{
    double numbers[2 * MAX_AXES];
    if (get_numbers(json, key, numbers, 2 * MAX_AXES) != count)
        fail("wrong count of numbers:", key);
    for (int i = 0; i < count; i++)
        out[i] = (long)numbers[i];
}

static void get_word(const char *json, const char *key, char *out, size_t room)
{
    const char *at = find_value(json, key);
    if (!at || *at++ != '"' || strcspn(at, "\"") >= room)
        fail("config.json lacks", key);
    size_t length = strcspn(at, "\"");
    memcpy(out, at, length);
    out[length] = 0;
}

/* ---- .npy, format 1.0: magic, header length, a Python dict as text, the numbers ---- */

typedef struct {
    int axes;
    long shape[8];
    size_t size;
    real *data; /* NULL where there is no such file */
} array;

static array new_array(int axes, const long *shape)
{
    array a = {axes, {0}, 1, NULL};
    for (int i = 0; i < axes; i++)
        a.size *= (size_t)(a.shape[i] = shape[i]);
    a.data = allocate(a.size, sizeof(real));
    return a;
}

static double half_to_double(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent ? ldexp(1024.0 + fraction, exponent - 25)
                            : ldexp((double)fraction, -24);
    return bits >> 15 ? -value : value;
}

static array read_npy(const char *folder, const char *name)
{
    array a = {0, {0}, 1, NULL};
    FILE *file = open_file(folder, name, "rb");
    if (!file)
        return a;
    unsigned char start[10];
    if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\x01\x00", 8))
        fail("not an .npy file of format 1.0:", name);
    size_t length = start[8] + 256u * start[9];
    char *header = allocate(length + 1, 1);
    if (fread(header, 1, length, file) != length)
        fail("cut short:", name);
    const char *shape = strstr(header, "'shape'");
    const char *type = strstr(header, "'<f");
    if (!shape || !type || !strstr(header, "'fortran_order': False"))
        fail("not little-endian floats in C order:", name);
    size_t width = (size_t)(type[3] - '0');
    if (width > sizeof(real))
        skip("float64 in", name);

    long sizes[8];
    for (const char *at = strchr(shape, '('); at && *++at && *at != ')';) {
        char *end;
        long size = strtol(at, &end, 10);
        if (end != at && a.axes < 8)
            sizes[a.axes++] = size;
        at = end == at ? at : end - 1;
    }
    a = new_array(a.axes, sizes);
    for (size_t i = 0; i < a.size; i++) {
        union { uint16_t half; float single; double wide; } number;
        if (fread(&number, width, 1, file) != 1)
            fail("cut short:", name);
        a.data[i] = (real)(width == 2   ? half_to_double(number.half)
                           : width == 4 ? number.single
                                        : number.wide);
    }
    free(header);
    fclose(file);
    return a;
}

static void write_npy(const char *folder, const char *name, array a)
{
    char header[256];
    int used = snprintf(header, sizeof header,
                        "{'descr': '<f%d', 'fortran_order': False, 'shape': (",
                        (int)sizeof(real));
    for (int i = 0; i < a.axes; i++)
        used += snprintf(header + used, sizeof header - used, "%ld, ", a.shape[i]);
    used += snprintf(header + used, sizeof header - used, "), }");
    /* Numbers begin at a multiple of 64 bytes, after a newline. */
    int length = (10 + used + 1 + 63) / 64 * 64 - 10;
    FILE *file = open_file(folder, name, "wb");
    if (!file)
        fail("cannot write", name);
    fwrite("\x93NUMPY\x01\x00", 1, 8, file);
    putc(length & 255, file);
    putc(length >> 8, file);
    fprintf(file, "%-*s\n", length - 1, header);
    size_t written = fwrite(a.data, sizeof(real), a.size, file);
    if (fclose(file) || written != a.size)
        fail("cannot write", name);
}

/* ---- the layer ---- */

typedef struct {
    long batch, channels, filters; /* N, C, F */
    long cells, locations, patch;  /* prod(S), L, K */
    long outputs[MAX_AXES];        /* O */
    int axes, channels_last;
    real pad_value;
    long *reads; /* (L, K): which value of a flat sample; -1 for a cell of padding */
    char activation[32];
    real alpha, threshold, ceiling;
} layer;

static long product(const long *sizes, int count)
{
    return count ? sizes[0] * product(sizes + 1, count - 1) : 1;
}

/* Splits a row-major index into one index per axis. */
static void unravel(long index, const long *sizes, int axes, long *out)
{
    for (int a = axes - 1; a >= 0; index /= sizes[a--])
        out[a] = index % sizes[a];
}

static layer read_layer(const char *folder)
{
    char *json = read_text(folder, "config.json");
    long size[MAX_AXES], stride[MAX_AXES], dilation[MAX_AXES], pads[2 * MAX_AXES];
    long inputs[MAX_AXES], o[MAX_AXES], tap[MAX_AXES];
    double numbers[MAX_AXES];
    char format[32];
    layer net;
    net.axes = get_numbers(json, "kernel_size", numbers, MAX_AXES);
    get_integers(json, "kernel_size", size, net.axes);
    get_integers(json, "strides", stride, net.axes);
    get_integers(json, "dilation_rate", dilation, net.axes);
    get_integers(json, "pads", pads, 2 * net.axes);
    get_integers(json, "input_sizes", inputs, net.axes);
    get_integers(json, "output_sizes", net.outputs, net.axes);
    get_integers(json, "batch", &net.batch, 1);
    get_integers(json, "channels", &net.channels, 1);
    get_integers(json, "filters", &net.filters, 1);
    get_numbers(json, "pad_value", numbers, 1);
    net.pad_value = (real)numbers[0];
    get_word(json, "data_format", format, sizeof format);
    net.channels_last = strcmp(format, "channels_last") == 0;
    get_word(json, "name", net.activation, sizeof net.activation);
    if (strstr(json, "\"approximate\": true"))
        skip("approximate", net.activation);
    net.alpha = (real)get_option(json, "alpha", strcmp(net.activation, "relu") != 0);
    net.threshold = (real)get_option(json, "threshold", 0);
    net.ceiling = (real)get_option(json, "max_value", HUGE_VAL);
    free(json);

    long taps = product(size, net.axes);
    net.cells = product(inputs, net.axes);
    net.locations = product(net.outputs, net.axes);
    net.patch = taps * net.channels;
    net.reads = allocate((size_t)(net.locations * net.patch), sizeof *net.reads);
    for (long l = 0; l < net.locations; l++) {
        unravel(l, net.outputs, net.axes, o);
        for (long k = 0; k < net.patch; k++) {
            /* K is (taps, channel) for channels_last, (channel, taps) otherwise. */
            long c = net.channels_last ? k % net.channels : k / taps;
            long t = net.channels_last ? k / net.channels : k % taps;
            unravel(t, size, net.axes, tap);
            long cell = 0, inside = 1;
            for (int a = 0; a < net.axes; a++) {
                long at = o[a] * stride[a] + tap[a] * dilation[a] - pads[2 * a];
                inside = inside && at >= 0 && at < inputs[a];
                cell = cell * inputs[a] + at;
            }
            if (net.channels_last)
                cell = cell * net.channels + c;
            else
                cell = c * net.cells + cell;
            net.reads[l * net.patch + k] = inside ? cell : -1;
        }
    }
    return net;
}

/* Returns zeros in the shape of y. */
static array new_output(const layer *net)
{
    long shape[8] = {net->batch}, *next = shape + 1;
    if (!net->channels_last)
        *next++ = net->filters;
    for (int a = 0; a < net->axes; a++)
        *next++ = net->outputs[a];
    if (net->channels_last)
        *next = net->filters;
    return new_array(net->axes + 2, shape);
}

/* Returns the activation of z, and its slope there. */
static real activate(const layer *net, real z, real *slope)
{
    const char *name = net->activation;
    real one = 1, tail = exp(-fabs(z));
    real sigmoid = z < 0 ? tail / (one + tail) : one / (one + tail);
    real softplus = (z > 0 ? z : 0) + log1p(tail);

    if (strcmp(name, "linear") == 0) {
        *slope = 1;
        return z;
    }
    if (strcmp(name, "relu") == 0) {
        /* A ceiling brings a floor of 0 with it. */
        int sunk = z < 0 && net->ceiling < HUGE_VAL;
        *slope = z > net->threshold ? !sunk && z < net->ceiling : net->alpha;
        if (z > net->threshold)
            return sunk ? 0 : z < net->ceiling ? z : net->ceiling;
        return net->alpha * (z - net->threshold);
    }
    if (strcmp(name, "relu6") == 0) {
        *slope = z > 0 && z < 6;
        return z < 0 ? 0 : z > 6 ? 6 : z;
    }
    if (strcmp(name, "leaky_relu") == 0) {
        *slope = z > 0 ? one : net->alpha;
        return z * *slope;
    }
    if (strcmp(name, "elu") == 0) {
        *slope = z > 0 ? one : net->alpha * tail;
        return z > 0 ? z : net->alpha * expm1(z);
    }
    if (strcmp(name, "selu") == 0) {
        real scale = (real)1.0507009873554805, alpha = (real)1.6732632423543772;
        *slope = scale * (z > 0 ? one : alpha * tail);
        return scale * (z > 0 ? z : alpha * expm1(z));
    }
    if (strcmp(name, "sigmoid") == 0) {
        *slope = sigmoid * (one - sigmoid);
        return sigmoid;
    }
    if (strcmp(name, "tanh") == 0) {
        real y = tanh(z);
        *slope = (one - y) * (one + y);
        return y;
    }
    if (strcmp(name, "softplus") == 0) {
        *slope = sigmoid;
        return softplus;
    }
    if (strcmp(name, "softsign") == 0) {
        real scale = one + fabs(z);
        *slope = one / (scale * scale);
        return z / scale;
    }
    if (strcmp(name, "exponential") == 0)
        return *slope = exp(z);
    if (strcmp(name, "swish") == 0) {
        *slope = sigmoid * (one + z * (one - sigmoid));
        return z * sigmoid;
    }
    if (strcmp(name, "gelu") == 0) {
        real below = erfc(z * (real)-0.70710678118654752) / 2;
        *slope = below + z * exp(-z * z / 2) * (real)0.39894228040143268;
        return z * below;
    }
    if (strcmp(name, "mish") == 0) {
        real t = tanh(softplus);
        *slope = t + z * sigmoid * (one - t) * (one + t);
        return z * t;
    }
    skip("activation", name);
    return 0;
}

/* Where (l, f) stands in one sample of y, and in the bias as Keras stores it. */
static long place(const layer *net, long l, long f)
{
    return net->channels_last ? l * net->filters + f : f * net->locations + l;
}

/* y = activation(z), z[n,l,f] = sum_k patch[n,l,k] kernel[l,k,f] + bias[l,f] */
static void forward(const layer *net, const real *x, const real *kernel,
                    const real *bias, real *y, real *slope)
{
    long K = net->patch, F = net->filters, units = net->locations * F;
    for (long n = 0; n < net->batch; n++, x += net->cells * net->channels)
        for (long l = 0; l < net->locations; l++)
            for (long f = 0; f < F; f++) {
                real z = 0;
                for (long k = 0; k < K; k++) {
                    long cell = net->reads[l * K + k];
                    real value = cell < 0 ? net->pad_value : x[cell];
                    z += value * kernel[(l * K + k) * F + f];
                }
                long at = place(net, l, f);
                if (bias)
                    z += bias[at];
                y[n * units + at] = activate(net, z, &slope[n * units + at]);
            }
}

/* The same three factors, each time summed over what the result lacks. */
static void backward(const layer *net, const real *x, const real *kernel,
                     const real *dy, const real *slope, real *dx, real *dkernel,
                     real *dbias)
{
    long K = net->patch, F = net->filters, units = net->locations * F;
    long sample = net->cells * net->channels;
    for (long n = 0; n < net->batch; n++, x += sample, dx += sample)
        for (long l = 0; l < net->locations; l++)
            for (long f = 0; f < F; f++) {
                long at = place(net, l, f);
                real dz = dy[n * units + at] * slope[n * units + at];
                if (dbias)
                    dbias[at] += dz;
                for (long k = 0; k < K; k++) {
                    long cell = net->reads[l * K + k], w = (l * K + k) * F + f;
                    dkernel[w] += dz * (cell < 0 ? net->pad_value : x[cell]);
                    if (cell >= 0)
                        dx[cell] += dz * kernel[w];
                }
            }
}

int main(int count, char **words)
{
    const uint16_t one = 1;
    if (count != 3)
        fail("use:", "backend CASE OUT");
    if (*(const unsigned char *)&one != 1)
        fail("this example is for little-endian machines", "");
    const char *folder = words[1], *out = words[2];

    array x = read_npy(folder, "x.npy");
    array kernel = read_npy(folder, "kernel.npy");
    array bias = read_npy(folder, "bias.npy");
    array dy = read_npy(folder, "dy.npy");
    if (!x.data || !kernel.data)
        fail("no x.npy or no kernel.npy in", folder);

    layer net = read_layer(folder);
    array y = new_output(&net), slope = new_output(&net);
    forward(&net, x.data, kernel.data, bias.data, y.data, slope.data);
    write_npy(out, "y.npy", y);
    if (!dy.data)
        return 0;

    array dx = new_array(x.axes, x.shape);
    array dkernel = new_array(kernel.axes, kernel.shape);
    array dbias = bias.data ? new_array(bias.axes, bias.shape) : bias;
    backward(&net, x.data, kernel.data, dy.data, slope.data, dx.data, dkernel.data,
             dbias.data);
    write_npy(out, "dx.npy", dx);
    write_npy(out, "dkernel.npy", dkernel);
    if (dbias.data)
        write_npy(out, "dbias.npy", dbias);
    return 0;
}
