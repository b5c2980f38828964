"""The version of this package, which is that of the sidecar it was made with."""

VERSION = "0.1.0"
