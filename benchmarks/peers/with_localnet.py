"""localnet: the blocked engine, with and without a workspace, and the definition."""

from localnet import config
from localnet.ops import Workspace, local_conv_backward, local_conv_forward
from peers.contender import Builder, Contender
from peers.workloads import Data, Workload

LIBRARIES = ("localnet", "numpy")


def _blocked(
    workload: Workload, data: Data, workspace: Workspace | None = None
) -> Contender:
    x, kernel, bias, dy = data

    def forward_with_cache():
        return local_conv_forward(
            x,
            kernel,
            bias,
            kernel_size=workload.kernel_size,
            strides=workload.stride,
            data_format=workload.data_format,
            workspace=workspace,
        )

    def step():
        y, cache = forward_with_cache()
        return y, *local_conv_backward(dy, cache, workspace=workspace)

    return Contender(lambda: forward_with_cache()[0], step, step)


def _blocked_with_workspace(workload: Workload, data: Data) -> Contender:
    return _blocked(workload, data, Workspace())


def _einsum(workload: Workload, data: Data) -> Contender:
    blocked = _blocked(workload, data)

    def with_einsum(call):
        def run():
            with config.engine("einsum"):
                return call()

        return run

    return Contender(*map(with_einsum, blocked))


BUILDERS: dict[str, Builder] = {
    "localnet": _blocked,
    "localnet workspace": _blocked_with_workspace,
    "localnet einsum": _einsum,
}
