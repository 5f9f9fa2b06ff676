"""KubeadmConfig: bootstrap data that makes a machine run kubeadm."""
