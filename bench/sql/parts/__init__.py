"""One module a part. Each has `measure(bench)`, which yields rows as they are ready."""
