{{- define "grisaille.name" -}}
{{- if contains "grisaille" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-grisaille" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- /* Labels that never change: selectors are immutable. */}}
{{- define "grisaille.selector" -}}
app.kubernetes.io/name: grisaille
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "grisaille.labels" -}}
{{ include "grisaille.selector" . }}
app.kubernetes.io/part-of: grisaille
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "grisaille.image" -}}
{{- $own := index .root.Values .component -}}
{{ .root.Values.image.registry }}{{ $own.repository }}{{ if $own.digest }}@{{ $own.digest }}{{ else }}:{{ $own.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Where the gateway looks for workers. */}}
{{- define "grisaille.workers" -}}
{{- $service := printf "%s-worker" (include "grisaille.name" .) -}}
{{- if eq .Values.discovery.mode "endpointSlices" -}}k8s://{{ .Release.Namespace }}/{{ $service }}:8000
{{- else if eq .Values.discovery.mode "dns" -}}dns://{{ $service }}:8000
{{- else -}}http://{{ $service }}-all:8000
{{- end }}
{{- end }}

{{- /* The number of replicas, as a line or nothing: a value is enforced, null keeps the live number. */}}
{{- define "grisaille.replicas" -}}
{{- $own := index .root.Values .component -}}
{{- if not $own.autoscaling.enabled -}}
{{- if not (kindIs "invalid" $own.replicas) -}}
replicas: {{ $own.replicas }}
{{- else -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace (printf "%s-%s" (include "grisaille.name" .root) .component) -}}
{{- if $live }}
replicas: {{ $live.spec.replicas }}
{{- else }}
replicas: {{ .initially }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "grisaille.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "grisaille.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* A Deployment: root, component, port, internal, token (whether the pod gets one), initially, env. */}}
{{- define "grisaille.deployment" -}}
{{- $own := index .root.Values .component -}}
{{- $name := printf "%s-%s" (include "grisaille.name" .root) .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "grisaille.labels" . | nindent 4 }}
spec:
  {{- include "grisaille.replicas" . | nindent 2 }}
  revisionHistoryLimit: 5
  minReadySeconds: 5
  progressDeadlineSeconds: 300
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: {{ .surge }}}}
  selector:
    matchLabels: {{- include "grisaille.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "grisaille.labels" . | nindent 8 }}
        {{- with $own.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        checksum/config: {{ toJson (list .root.Values.config $own.config) | sha256sum }}
        {{- with $own.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: {{ .token }}
      terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
      securityContext: {{- include "grisaille.podSecurity" . | nindent 8 }}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "grisaille.selector" $ | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "grisaille.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          {{- with $own.command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          envFrom:
            - configMapRef: {name: {{ $name }}}
          env:
            {{- toYaml .env | nindent 12 }}
            {{- with $own.extraEnv }}{{ toYaml . | nindent 12 }}{{ end }}
          ports:
            - {name: http, containerPort: {{ .port }}}
            - {name: internal, containerPort: {{ .internal }}}
          startupProbe:
            httpGet: {path: /readyz, port: internal}
            periodSeconds: 1
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /readyz, port: internal}
            periodSeconds: 3
            timeoutSeconds: 2
            failureThreshold: 2
          livenessProbe:
            httpGet: {path: /healthz, port: internal}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources: {{- toYaml $own.resources | nindent 12 }}
          securityContext: {{- include "grisaille.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- with $own.extraVolumeMounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 3Gi} # on disk: spool files, at most GRISAILLE_SPOOL_MAX_BYTES (2 GiB)
        {{- with $own.extraVolumes }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $own.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
{{- end }}

{{- /* What both components have besides a Deployment. */}}
{{- define "grisaille.companions" -}}
{{- $own := index .root.Values .component -}}
{{- $name := printf "%s-%s" (include "grisaille.name" .root) .component -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels: {{- include "grisaille.labels" . | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  labels: {{- include "grisaille.labels" . | nindent 4 }}
data:
  {{- range $key, $value := merge (dict) $own.config .root.Values.config }}
  GRISAILLE_{{ $key }}: {{ $value | quote }}
  {{- end }}
{{- if $own.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "grisaille.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $own.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "grisaille.selector" . | nindent 6 }}
{{- end }}
{{- if $own.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "grisaille.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ $name }}}
  minReplicas: {{ $own.autoscaling.minReplicas }}
  maxReplicas: {{ $own.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $own.autoscaling.targetCPU }}}}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies: [{type: Percent, value: 100, periodSeconds: 15}, {type: Pods, value: 4, periodSeconds: 15}]
    scaleDown:
      stabilizationWindowSeconds: 300
      policies: [{type: Pods, value: 1, periodSeconds: 60}]
{{- end }}
{{- end }}
