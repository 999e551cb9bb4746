"""Many images classified into one file: in parts that a killed job keeps, in this process or on a cluster."""
