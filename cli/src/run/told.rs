//! The report in a terminal: its digest as soon as there is one, and at the end what came after it.

use aimass_locale::text;
use aimass_runtime::{EpisodeId, ReportView};

use crate::Context;
use crate::failure::Failure;
use crate::panel::{self, Extent};

/// What was told of a report.
pub(super) struct Told<'c> {
    context: &'c Context,
    extent: Extent,
    digest: Option<ReportView>,
}

impl<'c> Told<'c> {
    pub(super) fn new(context: &'c Context, extent: Extent) -> Self {
        Self {
            context,
            extent,
            digest: None,
        }
    }

    /// Prints the digest of a report that has come, unless the whole is wanted, which has its end.
    pub(super) fn hear(&mut self, report: Option<&ReportView>) -> Result<(), Failure> {
        match report {
            Some(report) if self.extent == Extent::Digest => self.print(report),
            _ => Ok(()),
        }
    }

    /// Prints what is left of the last report, and where there is more.
    pub(super) fn end(
        &mut self,
        report: Option<&ReportView>,
        episode: EpisodeId,
    ) -> Result<(), Failure> {
        let Some(report) = report else { return Ok(()) };
        self.print(report)?;
        if self.extent == Extent::Whole || report.details.is_empty() {
            return Ok(());
        }
        self.context.line(&text!(
            "\nmore on each input: `aimass run --resume={episode} --details`",
            "\n每份输入的详情：`aimass run --resume={episode} --details`"
        ))
    }

    /// Prints a report, or the parts of it that were not printed before.
    fn print(&mut self, report: &ReportView) -> Result<(), Failure> {
        let (output, locale) = (self.context.output, self.context.locale);
        let known = self
            .digest
            .as_ref()
            .map_or(&[][..], |known| &known.sections);
        let lines = match report.sections.strip_prefix(known) {
            Some(more) if !known.is_empty() => panel::sections(more, output, locale),
            _ => {
                output.line("")?;
                panel::report(report, self.extent, output, locale)
            }
        };
        self.digest = Some(report.clone());
        lines.iter().try_for_each(|line| output.line(line))
    }
}
