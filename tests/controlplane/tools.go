//go:build tools

// Package controlplane names the programs of a Kubernetes control plane that the tests run.
// Nothing is compiled from this file: it keeps the modules of the four programs in go.mod.
package controlplane

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
