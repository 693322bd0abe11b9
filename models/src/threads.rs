//! The two environment variables that candle's thread pools obey.

/// The variables, each of which must be `1`: rayon's pool, and candle's own for quantized products.
pub const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];

/// The process was started without the settings that a team of models needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{variable}` must be 1 before the first model is loaded, found {}; start the process with \
     RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1, or several workers will slow each other down",
    found.as_deref().unwrap_or("nothing")
)]
pub struct ThreadsAdvice {
    /// The variable that is not set so.
    pub variable: &'static str,
    /// What it is set to.
    pub found: Option<String>,
}

/// Checks the environment of this process.
///
/// The variables are read once by candle, at its first call: setting them later does nothing, and a
/// library must not set them. So a program sets them before it starts, for instance by running
/// itself again.
///
/// # Errors
/// [`ThreadsAdvice`] names the first variable that is not `1`. Models still work without; several
/// at once are slow.
pub fn check() -> Result<(), ThreadsAdvice> {
    check_with(|variable| std::env::var(variable).ok())
}

/// Checks an environment that is given as a function.
///
/// # Errors
/// As [`check`].
pub fn check_with(lookup: impl Fn(&str) -> Option<String>) -> Result<(), ThreadsAdvice> {
    for variable in VARIABLES {
        let found = lookup(variable);
        if found.as_deref() != Some("1") {
            return Err(ThreadsAdvice { variable, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_each_passes_and_anything_else_names_the_variable() {
        assert_eq!(check_with(|_| Some("1".to_owned())), Ok(()));
        let advice =
            check_with(|name| (name == "RAYON_NUM_THREADS").then(|| "1".to_owned())).unwrap_err();
        assert_eq!(advice.variable, "CANDLE_NUM_THREADS");
        assert!(advice.to_string().contains("found nothing"));
        assert!(
            check_with(|_| Some("2".to_owned()))
                .unwrap_err()
                .to_string()
                .contains("found 2")
        );
    }
}
