"""Components of the OpenTelemetry Collector that Spanmill has not, under their names of today and of before.

A configuration that names one gets a better answer than "unknown type". `PLANNED` are those that Spanmill is going to
have, `FOREIGN` the others of the distributions `otelcol` and `otelcol-contrib`.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLANNED: dict[str, frozenset[str]] = {
    "receivers": _names("kafka prometheus"),
    "processors": _names(
        """
        filter group_by_attrs group_by_trace groupbyattrs groupbytrace queue_batch
        queuebatch span transform
        """
    ),
    "exporters": _names(
        """
        kafka load_balancing loadbalancing prometheus prometheus_remote_write prometheusremotewrite
        """
    ),
    "connectors": _names("count routing service_graph servicegraph span_metrics spanmetrics"),
    "extensions": _names(
        """
        basic_auth basicauth bearer_token_auth bearertokenauth file_storage health_check_v2 healthcheckv2 pprof zpages
        """
    ),
}

FOREIGN: dict[str, frozenset[str]] = {
    "receivers": _names(
        """
        active_directory_ds active_directory_inv aerospike apache apache_spark apachespark aws_cloudwatch aws_lambda
        awscloudwatch awscontainerinsightreceiver awsecscontainermetrics awsfirehose awslambda awss3 awsxray azure_blob
        azure_event_hub azure_monitor azureblob azureeventhub azuremonitor bigip carbon chrony cisco_os ciscoos
        cloud_foundry cloudflare cloudfoundry collectd couchdb datadog docker_stats elasticsearch envoy_als envoyals
        expvar faro file_log file_stats filelog filestats flink_metrics flinkmetrics fluent_forward fluentforward github
        gitlab gitproviderreceiver google_cloud_spanner googlecloudmonitoring googlecloudpubsub googlecloudspanner
        haproxy host_metrics hostmetrics http_check httpcheck iis influxdb jmx journald k8s_cluster k8s_events
        k8s_objects k8sobjects kafka_metrics kafkametrics kubelet_stats kubeletstats libhoney loki macos_unified_logging
        macosunifiedlogging memcached mongodb mongodb_atlas mongodbatlas mysql named_pipe namedpipe netflow nginx nsxt
        ntp oracledb osquery otelarrow otlp_json_file otlpjsonfile podman_stats postgresql pprof prometheus_remote_write
        prometheus_simple prometheusremotewrite pulsar purefa purefb rabbitmq receiver_creator redis riak saphana
        signalfx skywalking snmp snowflake solace splunk_enterprise splunk_hec splunkenterprise sqlquery sqlserver
        ssh_check sshcheck statsd stef syslog systemd tcp_check tcp_log tcpcheck tcplog tls_check tlscheck udp_log
        udplog vcenter vcr wavefront webhook_event webhookevent windows_event_log windows_service windowseventlog
        windowsperfcounters windowsservice yang_grpc yanggrpc zookeeper
        """
    ),
    "processors": _names(
        """
        cardinality_guardian coralogix cumulative_to_delta cumulativetodelta datadog delta_to_cumulative delta_to_rate
        deltatocumulative deltatorate dns_lookup drain gen_ai_normalizer geoip interval isolation_forest isolationforest
        k8s_attributes k8sattributes log_dedup logdedup logs_transform logstransform lookup metric_start_time
        metrics_generation metrics_transform metricsgeneration metricstarttime metricstransform remote_tap remotetap
        resource_detection resourcedetection schema span_pruning spanpruning sumologic unroll
        """
    ),
    "exporters": _names(
        """
        alertmanager alibabacloud_logservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azure_blob azureblob
        azuredataexplorer azuremonitor bmc_helix bmchelix carbon cassandra clickhouse coralogix datadog dataset doris
        elasticsearch f5cloud faro google_cloud_storage googlecloud googlecloudpubsub googlecloudstorage
        googlemanagedprometheus honeycomb_marker honeycombmarker influxdb instana logicmonitor logzio mezmo opensearch
        otelarrow otlp_json pulsar rabbitmq sapm sematext sentry signalfx skywalking splunk_hec stef sumologic syslog
        tanzuobservability tencentcloud_logservice tinybird
        """
    ),
    "connectors": _names(
        """
        datadog exceptions failover grafanacloud metrics_as_attributes otlp_json otlpjson round_robin roundrobin
        signal_to_metrics signaltometrics slow_sql slowsql spanmetrics_legacy sum
        """
    ),
    "extensions": _names(
        """
        ack asapclient avro_log_encoding aws_logs_encoding awscloudwatchmetricstreams_encoding awsproxy azure_auth
        azure_encoding azureauth cfgarden_observer cgroup_runtime cgroupruntime datadog db_storage docker_observer
        ecs_observer ecs_task_observer google_cloud_logentry_encoding googleclientauth headers_setter host_observer
        http_forwarder jaeger_encoding json_log_encoding k8s_leader_elector k8s_observer
        kafkatopics_observer oauth2client oidc opamp otlp_encoding pebble_tail_storage redis_storage remote_tap
        sigv4auth skywalking_encoding solarwindsapmsettings sumologic text_encoding zipkin_encoding
        """
    ),
}
