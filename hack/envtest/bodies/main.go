// Bodies prints, for each built-in kind, an object with random fields: its protobuf body (base64) as typed Go clients send it, and its JSON.
//
//	go run ./bodies > ../../tests/apiserver/surface/protobuf_bodies.jsonl
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math/rand"
	"slices"

	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

var kinds = map[string][]string{
	"":                             {"ConfigMap", "DeleteOptions", "Event", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"},
	"admissionregistration.k8s.io": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"},
	"apps":                         {"DaemonSet", "Deployment", "ReplicaSet"},
	"authentication.k8s.io":        {"SelfSubjectReview", "TokenRequest", "TokenReview"},
	"authorization.k8s.io":         {"LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
	"autoscaling":                  {"Scale"},
	"coordination.k8s.io":          {"Lease"},
	"events.k8s.io":                {"Event"},
	"policy":                       {"Eviction", "PodDisruptionBudget"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
	"storage.k8s.io":               {"VolumeAttachment"},
}

func main() {
	codec := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	fuzz := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(7), serializer.NewCodecFactory(scheme.Scheme))
	for _, group := range slices.Sorted(maps.Keys(kinds)) {
		for _, kind := range kinds[group] {
			identity := schema.GroupVersionKind{Group: group, Version: "v1", Kind: kind}
			object, err := scheme.Scheme.New(identity)
			if err != nil {
				log.Fatal(err)
			}
			fuzz.Fill(object)
			object.GetObjectKind().SetGroupVersionKind(identity)
			body, err := runtime.Encode(codec, object)
			if err != nil {
				log.Fatal(err)
			}
			text, err := json.Marshal(object)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("{\"body\":%q,\"object\":%s}\n", base64.StdEncoding.EncodeToString(body), text)
		}
	}
}
