// Command argo syncs objects as Argo CD does, by the same packages, and prints what it found different before.
// Its arguments are options of Argo CD by their names there: ServerSideApply, ServerSideDiff, Replace.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// As Argo CD calls itself.
const manager = "argocd-controller"

const namespace = "stateward-system"

func set(option string) bool {
	return slices.Contains(os.Args[1:], option)
}

// Nothing but what is applied: no object is pruned.
func managed(*cache.Resource) bool {
	return false
}

func compare(config *rest.Config, live cache.ClusterCache, objects []*unstructured.Unstructured) error {
	found, err := live.GetManagedLiveObjs(objects, managed)
	if err != nil {
		return err
	}
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	applier, cleanup, err := kubectl.ManageServerSideDiffDryRuns(config)
	if err != nil {
		return err
	}
	defer cleanup()
	pairs := sync.Reconcile(objects, found, namespace, live)
	differences, err := diff.DiffArray(
		pairs.Target, pairs.Live,
		diff.WithManager(manager),
		diff.WithGVKParser(live.GetGVKParser()),
		// Argo CD's choice where objects are applied by the server.
		diff.WithStructuredMergeDiff(set("ServerSideApply")),
		diff.WithServerSideDiff(set("ServerSideDiff")),
		diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)),
	)
	if err != nil {
		return err
	}
	for i, object := range pairs.Target {
		action := "unchanged"
		if pairs.Live[i] == nil {
			action = "created"
		} else if differences.Diffs[i].Modified {
			action = "changed"
		}
		fmt.Println(path.Join(object.GetKind(), object.GetNamespace(), object.GetName()), action)
	}
	return nil
}

func run() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	// The requests wait for no limit of the client.
	config.QPS = -1
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	objects, err := kube.SplitYAML(text)
	if err != nil {
		return err
	}
	live := cache.NewClusterCache(config)
	argo := engine.NewEngine(config, live)
	stop, err := argo.Run()
	if err != nil {
		return err
	}
	defer stop()
	if err := compare(config, live, objects); err != nil {
		return err
	}
	results, err := argo.Sync(
		context.Background(), objects, managed, "", namespace,
		sync.WithServerSideApply(set("ServerSideApply")),
		sync.WithServerSideApplyManager(manager),
		sync.WithReplace(set("Replace")),
	)
	if err != nil {
		return err
	}
	for _, result := range results {
		if result.Status != common.ResultCodeSynced {
			return fmt.Errorf("%s: %s", result.ResourceKey, result.Message)
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
