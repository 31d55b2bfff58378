"""The formats of data: IDX, npz, images, and how a folder of files is recognised."""
