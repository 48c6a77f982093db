//! Objects as a production cluster has them: labels of a chart, probes, resources, mounts and managed fields.

use std::fmt::Write as _;

/// The namespaces that objects are spread over.
pub const NAMESPACES: usize = 200;

/// What Kubernetes writes where nobody says.
pub const GRACE: u32 = 30;

/// The namespace of the object with this number.
pub fn namespace(number: usize) -> String {
    const TEAMS: [&str; 8] = [
        "shop", "payments", "search", "media", "ledger", "identity", "reports", "edge",
    ];
    let number = number % NAMESPACES;
    format!("{}-{:02}", TEAMS[number % TEAMS.len()], number / TEAMS.len())
}

/// The name of the workload with this number.
pub fn name(number: usize) -> String {
    const PARTS: [&str; 6] = [
        "checkout-worker",
        "catalog",
        "session-cache",
        "image-resizer",
        "audit-log",
        "gateway",
    ];
    format!("{}-{number}", PARTS[number % PARTS.len()])
}

/// The claim that the workload with this number uses.
pub fn claim_name(number: usize) -> String {
    format!("{}-data", name(number))
}

/// What of a Deployment a benchmark varies.
#[derive(Clone, Copy)]
pub struct Deployment {
    pub number: usize,
    pub generation: u32,
    pub replicas: u32,
    pub surges: bool,
    /// How long a pod may take to stop, in seconds.
    pub grace: u32,
}

impl Deployment {
    /// A Deployment that owns its claim alone and replaces its one pod before the next comes.
    pub fn clean(number: usize) -> Self {
        Self {
            number,
            generation: 7,
            replicas: 1,
            surges: false,
            grace: GRACE,
        }
    }

    /// The object as the API server sends it to a webhook.
    pub fn json(self) -> String {
        let Self {
            number,
            generation,
            replicas,
            surges,
            grace,
        } = self;
        let strategy = if surges {
            r#"{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}}"#
        } else {
            r#"{"type":"Recreate"}"#
        };
        let (name, namespace) = (name(number), namespace(number));
        let mut json = format!(
            r#"{{"kind":"Deployment","apiVersion":"apps/v1","metadata":{{{},"generation":{generation},{},{MANAGED}}},"#,
            identity(&name, &namespace, number),
            labels(&name),
        );
        let pods = template(&name, &volumes(number), grace);
        let _ = write!(
            json,
            r#""spec":{{"replicas":{replicas},"selector":{},"template":{pods},"strategy":{strategy},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}},"#,
            selector(&name),
        );
        json.push_str(DEPLOYMENT_STATUS);
        json
    }
}

/// A StatefulSet with one claim template and a governing Service.
pub fn stateful_set(number: usize) -> String {
    let (name, namespace) = (name(number), namespace(number));
    let identity = identity(&name, &namespace, number);
    let (labels, selector) = (labels(&name), selector(&name));
    let pods = template(&name, &format!("[{CONFIG},{SCRATCH}]"), GRACE);
    format!(
        r#"{{"kind":"StatefulSet","apiVersion":"apps/v1","metadata":{{{identity},"generation":2,{labels},{MANAGED}}},"spec":{{"replicas":3,"selector":{selector},"template":{pods},"volumeClaimTemplates":[{{"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{{"name":"data","creationTimestamp":null}},"spec":{{"accessModes":["ReadWriteOnce"],"resources":{{"requests":{{"storage":"20Gi"}}}},"storageClassName":"fast","volumeMode":"Filesystem"}},"status":{{"phase":"Pending"}}}}],"serviceName":"{name}","podManagementPolicy":"OrderedReady","updateStrategy":{{"type":"RollingUpdate","rollingUpdate":{{"partition":0}}}},"revisionHistoryLimit":10}},{DEPLOYMENT_STATUS}"#
    )
}

/// A DaemonSet that needs no claim.
pub fn daemon_set(number: usize) -> String {
    let (name, namespace) = (name(number), namespace(number));
    let identity = identity(&name, &namespace, number);
    let (labels, selector) = (labels(&name), selector(&name));
    let pods = template(&name, &format!("[{CONFIG},{SCRATCH}]"), GRACE);
    format!(
        r#"{{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{{{identity},"generation":2,{labels},{MANAGED}}},"spec":{{"selector":{selector},"template":{pods},"updateStrategy":{{"type":"RollingUpdate"}}}},{DEPLOYMENT_STATUS}"#
    )
}

/// A CronJob with the claim of its number.
pub fn cron_job(number: usize) -> String {
    let (name, namespace) = (name(number), namespace(number));
    let identity = identity(&name, &namespace, number);
    let labels = labels(&name);
    let pods = template(&name, &volumes(number), GRACE);
    format!(
        r#"{{"kind":"CronJob","apiVersion":"batch/v1","metadata":{{{identity},"generation":2,{labels},{MANAGED}}},"spec":{{"schedule":"0 3 * * *","concurrencyPolicy":"Forbid","suspend":false,"jobTemplate":{{"metadata":{{"creationTimestamp":null}},"spec":{{"template":{pods}}}}}}}}}"#
    )
}

/// A bound claim.
pub fn claim(number: usize) -> String {
    let (name, namespace) = (claim_name(number), namespace(number));
    let volume = volume_name(number);
    let identity = identity(&name, &namespace, number);
    let labels = labels(&name);
    format!(
        r#"{{"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{{{identity},{labels},"annotations":{{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes","volume.kubernetes.io/storage-provisioner":"disk.csi.example.com"}},"finalizers":["kubernetes.io/pvc-protection"]}},"spec":{{"accessModes":["ReadWriteOnce"],"resources":{{"requests":{{"storage":"20Gi"}}}},"volumeName":"{volume}","storageClassName":"fast","volumeMode":"Filesystem"}},"status":{{"phase":"Bound","accessModes":["ReadWriteOnce"],"capacity":{{"storage":"20Gi"}}}}}}"#
    )
}

/// The volume behind the claim of the same number.
pub fn volume(number: usize) -> String {
    let (claim, namespace) = (claim_name(number), namespace(number));
    let volume = volume_name(number);
    format!(
        r#"{{"kind":"PersistentVolume","apiVersion":"v1","metadata":{{"name":"{volume}","uid":"{volume}","creationTimestamp":"2026-05-04T09:12:33Z","finalizers":["kubernetes.io/pv-protection"]}},"spec":{{"capacity":{{"storage":"20Gi"}},"csi":{{"driver":"disk.csi.example.com","volumeHandle":"vol-{number:012x}","fsType":"ext4"}},"accessModes":["ReadWriteOnce"],"claimRef":{{"kind":"PersistentVolumeClaim","namespace":"{namespace}","name":"{claim}","uid":"{volume}","apiVersion":"v1"}},"persistentVolumeReclaimPolicy":"Delete","storageClassName":"fast","volumeMode":"Filesystem","nodeAffinity":{{"required":{{"nodeSelectorTerms":[{{"matchExpressions":[{{"key":"topology.kubernetes.io/zone","operator":"In","values":["eu-1a"]}}]}}]}}}}}},"status":{{"phase":"Bound"}}}}"#
    )
}

/// A Service that selects the pods of the workload of the same number; headless, so that it can govern them.
pub fn service(number: usize) -> String {
    let (name, namespace) = (name(number), namespace(number));
    let identity = identity(&name, &namespace, number);
    let labels = labels(&name);
    format!(
        r#"{{"kind":"Service","apiVersion":"v1","metadata":{{{identity},{labels}}},"spec":{{"ports":[{{"name":"http","protocol":"TCP","port":80,"targetPort":"http"}}],"selector":{{"app.kubernetes.io/instance":"{name}","app.kubernetes.io/name":"{name}"}},"clusterIP":"None","clusterIPs":["None"],"type":"ClusterIP","sessionAffinity":"None"}},"status":{{"loadBalancer":{{}}}}}}"#
    )
}

/// An autoscaler of the Deployment of the same number.
pub fn autoscaler(number: usize, max_replicas: u32) -> String {
    let (name, namespace) = (name(number), namespace(number));
    let identity = identity(&name, &namespace, number);
    format!(
        r#"{{"kind":"HorizontalPodAutoscaler","apiVersion":"autoscaling/v2","metadata":{{{identity}}},"spec":{{"scaleTargetRef":{{"kind":"Deployment","name":"{name}","apiVersion":"apps/v1"}},"minReplicas":1,"maxReplicas":{max_replicas},"metrics":[{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":70}}}}}}]}},"status":{{"currentReplicas":1,"desiredReplicas":1}}}}"#
    )
}

fn volume_name(number: usize) -> String {
    let number = number as u64;
    format!(
        "pvc-{:08x}-7d1c-4f0e-9b3a-{:012x}",
        number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff,
        number
    )
}

fn identity(name: &str, namespace: &str, number: usize) -> String {
    format!(
        r#""name":"{name}","namespace":"{namespace}","uid":"5d0c6e7c-7c51-4b50-9f6e-{number:012x}","resourceVersion":"{number}","creationTimestamp":"2026-05-04T09:{:02}:{:02}Z""#,
        number / 60 % 60,
        number % 60
    )
}

fn labels(name: &str) -> String {
    format!(
        r#""labels":{{"app.kubernetes.io/instance":"{name}","app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/name":"{name}","app.kubernetes.io/part-of":"platform","app.kubernetes.io/version":"4.18.2","helm.sh/chart":"service-2.7.1"}}"#
    )
}

fn selector(name: &str) -> String {
    format!(r#"{{"matchLabels":{{"app.kubernetes.io/instance":"{name}","app.kubernetes.io/name":"{name}"}}}}"#)
}

fn volumes(number: usize) -> String {
    let claim = claim_name(number);
    format!(r#"[{{"name":"data","persistentVolumeClaim":{{"claimName":"{claim}"}}}},{CONFIG},{SCRATCH}]"#)
}

fn template(name: &str, volumes: &str, grace: u32) -> String {
    format!(
        r#"{{"metadata":{{"creationTimestamp":null,"labels":{{"app.kubernetes.io/instance":"{name}","app.kubernetes.io/name":"{name}","app.kubernetes.io/part-of":"platform"}},"annotations":{{"checksum/config":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","prometheus.io/port":"9090","prometheus.io/scrape":"true"}}}},"spec":{{"volumes":{volumes},{CONTAINERS},"restartPolicy":"Always","terminationGracePeriodSeconds":{grace},"dnsPolicy":"ClusterFirst","serviceAccountName":"{name}","serviceAccount":"{name}","securityContext":{{"runAsUser":10001,"runAsNonRoot":true,"fsGroup":10001,"seccompProfile":{{"type":"RuntimeDefault"}}}},"affinity":{{"podAntiAffinity":{{"preferredDuringSchedulingIgnoredDuringExecution":[{{"weight":100,"podAffinityTerm":{{"labelSelector":{{"matchLabels":{{"app.kubernetes.io/name":"{name}"}}}},"topologyKey":"kubernetes.io/hostname"}}}}]}}}},"schedulerName":"default-scheduler"}}}}"#
    )
}

const CONFIG: &str = r#"{"name":"config","configMap":{"name":"service-config","defaultMode":420}}"#;
const SCRATCH: &str = r#"{"name":"scratch","emptyDir":{"sizeLimit":"1Gi"}}"#;

const CONTAINERS: &str = concat!(
    r#""containers":[{"name":"main","image":"registry.example.com/platform/service:4.18.2","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"#,
    r#""env":[{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"service-db","key":"url"}}},{"name":"LOG_LEVEL","value":"info"}],"#,
    r#""resources":{"limits":{"memory":"1Gi"},"requests":{"cpu":"250m","memory":"512Mi"}},"#,
    r#""volumeMounts":[{"name":"data","mountPath":"/var/lib/service"},{"name":"config","readOnly":true,"mountPath":"/etc/service"},{"name":"scratch","mountPath":"/tmp"}],"#,
    r#""livenessProbe":{"httpGet":{"path":"/livez","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"#,
    r#""readinessProbe":{"httpGet":{"path":"/readyz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3},"#,
    r#""terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false}},"#,
    r#"{"name":"proxy","image":"registry.example.com/platform/proxy:1.31.0","args":["--listen=:8443"],"resources":{"requests":{"cpu":"20m","memory":"64Mi"}},"volumeMounts":[{"name":"config","readOnly":true,"mountPath":"/etc/proxy"}],"#,
    r#""terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}]"#,
);

const MANAGED: &str = concat!(
    r#""annotations":{"deployment.kubernetes.io/revision":"6","meta.helm.sh/release-name":"service","meta.helm.sh/release-namespace":"shop"},"#,
    r#""managedFields":[{"manager":"helm","operation":"Update","apiVersion":"apps/v1","time":"2026-05-04T09:12:33Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:meta.helm.sh/release-name":{},"f:meta.helm.sh/release-namespace":{}},"f:labels":{".":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{},"f:helm.sh/chart":{}}},"#,
    r#""f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},"f:strategy":{"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/name":{}}},"#,
    r#""f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}}},"f:volumeMounts":{".":{},"k:{\"mountPath\":\"/var/lib/service\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},"f:restartPolicy":{},"f:volumes":{".":{},"k:{\"name\":\"data\"}":{".":{},"f:name":{},"f:persistentVolumeClaim":{".":{},"f:claimName":{}}}}}}}}},"#,
    r#"{"manager":"kube-controller-manager","operation":"Update","apiVersion":"apps/v1","time":"2026-05-04T09:13:10Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:availableReplicas":{},"f:observedGeneration":{},"f:readyReplicas":{},"f:replicas":{},"f:updatedReplicas":{}}},"subresource":"status"}]"#,
);

const DEPLOYMENT_STATUS: &str = r#""status":{"observedGeneration":7,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1,"conditions":[{"type":"Available","status":"True","lastUpdateTime":"2026-05-04T09:13:10Z","lastTransitionTime":"2026-05-04T09:13:10Z","reason":"MinimumReplicasAvailable","message":"Deployment has minimum availability."}]}}"#;
