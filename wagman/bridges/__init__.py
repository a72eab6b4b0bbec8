"""Programs of their own on the control socket: they use `wagman.client` and the words of `wagman.model`; it knows none."""
