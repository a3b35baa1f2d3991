"""The two files a user writes: the study protocol and the deployment."""
