//! Logs on their way to a collector of the test's own. The one test that takes the process's subscriber.

use aimass_config::{Config, LogForm, LogLevel, ObserversConfig, OtlpProtocol};
use aimass_observers::logs::{self, LogError};
use aimass_runtime::Recorder;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use crate::collector::{Collector, Manner, Sent, text, value_of};
use crate::team::{self, Hear, Sound};

fn config(endpoint: &str) -> ObserversConfig {
    let mut config = Config::default().observers;
    config.otlp.endpoint = Some(endpoint.to_owned());
    config.otlp.protocol = OtlpProtocol::Http;
    config.otlp.service_name = "desk".to_owned();
    config.otlp.logs = true;
    config.log = LogForm::None;
    config.log_level = LogLevel::Info;
    config
}

/// The service, the module and the record.
type Said = (String, String, LogRecord);

fn said(collector: &Collector) -> Vec<Said> {
    let mut all = Vec::new();
    for heard in collector.heard.try_iter() {
        let Sent::Logs(logs) = heard.sent else {
            panic!("expected logs");
        };
        for resource in logs.resource_logs {
            let attributes = resource.resource.unwrap().attributes;
            let service = value_of(&attributes, "service.name").unwrap();
            for scope in resource.scope_logs {
                let target = scope.scope.unwrap().name;
                let records = scope.log_records.into_iter();
                all.extend(records.map(|record| (service.clone(), target.clone(), record)));
            }
        }
    }
    all
}

fn body(record: &LogRecord) -> String {
    text(record.body.clone().unwrap().value)
}

/// The collector refuses the first request, so the exporter has something to say about itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_within_a_task_is_sent_with_its_trace_and_what_the_exporter_says_is_not() {
    let collector = Collector::start(Manner::Stumbles);
    let export = logs::start(&config(&collector.endpoint)).unwrap();
    let again = logs::start(&config(&collector.endpoint));
    assert!(matches!(again, Err(LogError::Subscriber(_))));
    tracing::info!(
        answer = 42,
        share = 0.5,
        right = true,
        said = "a panic that quotes a password",
        "nobody's task: {}",
        "x".repeat(100_000)
    );
    tracing::debug!("not grave enough");
    // The attempt that is refused; the next one is made at once, because somebody waits again.
    export.flush();
    export.flush();

    let recorder = Recorder::default();
    let builder = team::builder(&team::config("http://127.0.0.1:1"));
    let runtime = builder.observer(recorder.clone()).start().await.unwrap();
    let sound = Sound::new("say");
    runtime.ask::<Hear>(sound).await.unwrap();
    runtime.shutdown().await;
    export.flush();
    let task = recorder.tasks().remove(0);

    let all = said(&collector);
    let of_task = all
        .iter()
        .filter(|(_, _, record)| body(record) == "an ear says something");
    let of_task: Vec<&Said> = of_task.collect();
    // Another test of this process may have had its ear say it, too.
    let trace = task.trace.to_u128().to_be_bytes();
    let of_task = of_task
        .into_iter()
        .filter(|(_, _, record)| record.trace_id == trace);
    let of_task: Vec<&Said> = of_task.collect();
    assert_eq!(of_task.len(), 1, "{all:?}");
    let (service, target, record) = of_task[0];
    assert_eq!(service, "aimass.ear");
    assert!(target.ends_with("::team"), "{target}");
    assert_eq!(record.span_id, task.span.to_u64().to_be_bytes());
    assert_eq!(record.severity_number, SeverityNumber::Warn as i32);
    // Two clocks: the system's, and the runtime's.
    assert!(record.time_unix_nano.abs_diff(task.accepted_ns) < 60_000_000_000);
    let words = record.attributes.iter().find(|one| one.key == "words");
    let words = words.unwrap().value.clone().unwrap().value;
    assert_eq!(words, Some(Value::IntValue(3)));

    let mut of_nobody = all
        .iter()
        .filter(|(_, _, record)| body(record).starts_with("nobody's"));
    let (service, _, record) = of_nobody.next().unwrap();
    assert_eq!(service, "desk");
    assert!(record.trace_id.is_empty() && record.span_id.is_empty());
    assert_eq!(body(record).len(), 8 << 10, "it is cut off");
    // What a panic said stays here, since `observers.content` does not ask for it.
    assert_eq!(record.attributes.len(), 3);
    assert!(!format!("{all:?}").contains("password"));
    assert_eq!(of_nobody.count(), 0, "it came once");
    assert!(
        !all.iter()
            .any(|(_, _, record)| body(record) == "not grave enough")
    );
    let own = all
        .iter()
        .filter(|(_, target, _)| target.starts_with("aimass_observers::otlp"));
    assert_eq!(own.count(), 0);
    assert_eq!(export.lost(), 0);
}
