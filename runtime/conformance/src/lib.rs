//! The conformance suite: puts any agent through the guarantees.
//!
//! An agent's author gives one example for each skill; the suite then asks it alone and in company, plants panics and hangs on its workers'
//! threads, cancels, lets deadlines pass, fills it up, renews and unloads its models, drops the whole runtime in the middle of a task and
//! starts it again, lets streams go on, looks at what people are shown, and shuts it down. Whatever happens, the answers must be those that the agent gives when nothing does.
//!
//! ```no_run
//! use aimass_conformance::Conformance;
//! # use aimass_runtime::{Agent, AgentDefinition, Fault};
//! # struct Greeter;
//! # impl Agent for Greeter {
//! #     fn name(&self) -> &str { "greeter" }
//! #     fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> { Ok(definition) }
//! # }
//! # async fn run() {
//! let report = Conformance::new(|| Greeter)
//!     .example("greeter.greet", serde_json::json!({ "name": "Ada" }))
//!     .refuses("greeter.greet", serde_json::json!({ "name": "" }))
//!     .run()
//!     .await;
//! assert!(report.passed(), "{report}");
//! # }
//! ```
//!
//! The planted panics are real: they are reported on standard error like any other.
//!
//! It is for tests: a package that depends on it, if only for its tests, has the runtime with its feature `fault-injection`.

mod case;
mod checks;
mod compare;
mod conformance;
mod report;
mod stage;

pub use conformance::Conformance;
pub use report::{Check, ConformanceReport, Verdict};
