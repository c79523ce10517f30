//! The day as it should be, and the next one on the same data.

use journeys::{report::Report, walk};

#[test]
fn a_patients_whole_day_on_real_parts() {
    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("network");
    for run in ["first", "second"] {
        let report = Report::to(&folder.path().join(run)).unwrap();
        walk::walk(&network, &report).unwrap();
        for left in [
            "transcript.json",
            "draft.json",
            "shared-with-clinic-b.fhir.json",
            "audit-clinic-a.json",
        ] {
            assert!(report.folder().join(left).is_file(), "the {run} walk left no {left}");
        }
        report.close().unwrap();
    }
}
