{{/* What both agents have in common. Their names are fixed: the gateway lets in the
     service accounts mtc-client and sysinv-agent of this namespace and no others. */}}

{{- define "agent.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: hummingbird
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "agent.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "agent.image" -}}
{{- $image := printf "%s/%s" .root.Values.image.registry .name -}}
{{- $digest := get .root.Values.image.digests .name -}}
{{ if $digest }}{{ $image }}@{{ $digest }}{{ else }}{{ $image }}:{{ .root.Values.image.tag }}{{ end }}
{{- end }}

{{- define "agent.gateway" -}}
{{- $port := int .Values.gateway.port -}}
{{- $places := list -}}
{{- range splitList "," .Values.gateway.address -}}
{{- $places = append $places (printf (contains ":" . | ternary "[%s]:%d" "%s:%d") . $port) -}}
{{- end -}}
{{ join "," $places }}
{{- end }}

{{/* The pod's fields that are the same for both. */}}
{{- define "agent.pod" -}}
serviceAccountName: {{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
hostNetwork: true
# The gateway may have a name; the host's own resolver knows it, the cluster's may not.
dnsPolicy: Default
priorityClassName: {{ .root.Values.priorityClassName | quote }}
terminationGracePeriodSeconds: 5
nodeSelector:
  hummingbird.starlingx.io/edgeworker: "true"
tolerations:
  - operator: Exists
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "agent.environment" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: GATEWAY
  valueFrom:
    configMapKeyRef:
      name: gateway
      key: address
- name: BOOT_ID_FILE
  value: /host/random/boot_id
{{- end }}

{{- define "agent.mounts" -}}
- name: gateway
  mountPath: /etc/hummingbird
  readOnly: true
- name: token
  mountPath: /var/run/secrets/hummingbird
  readOnly: true
- name: random
  mountPath: /host/random
  readOnly: true
{{- end }}

{{- define "agent.volumes" -}}
- name: gateway
  configMap:
    name: gateway
    items:
      - key: ca.crt
        path: ca.crt
- name: token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ .Values.token.audience | quote }}
          expirationSeconds: {{ int .Values.token.expirationSeconds }}
# The host's own boot id: where a container plays a host, the kernel's is another. The
# folder and not the file, which such a host has laid over and then deleted.
- name: random
  hostPath:
    path: /proc/sys/kernel/random
    type: Directory
{{- end }}
