"""MachineDeployment: rolls changes of a template out over MachineSets."""
