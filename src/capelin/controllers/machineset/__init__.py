"""MachineSet: keeps a number of equal Machines."""
