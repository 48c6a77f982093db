//! `AdmissionReview` v1 in, `Change` through the judge, review out.
