"""DataFrame in, DataFrame out; kernels reach Spark through here."""
