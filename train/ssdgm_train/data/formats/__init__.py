"""How data is written: IDX, npz, images, and what a folder of files is."""
