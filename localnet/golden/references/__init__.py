"""The right answers, in exact arithmetic, and how far a right backend may be off."""
