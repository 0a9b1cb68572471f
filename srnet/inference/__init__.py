"""Networks applied to pictures: arrays of any kind, any size, files and folders."""
