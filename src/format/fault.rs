use super::parameter::name_of_escaped;

/// Why a target is not a credential, and the parameter at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault<'t> {
    pub(crate) kind: FaultKind,
    /// The parameter's name as it stands in the URL, or nothing.
    pub(crate) name: &'t str,
    /// What is wrong with it; reads on from the name.
    pub(crate) detail: &'static str,
}

// As wide as what stands beside it: around a single byte, results are copied in pieces, which a processor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum FaultKind {
    /// No reserved name at all.
    Missing,
    /// Against the rules of the format.
    Malformed,
    /// A restriction that cannot be enforced here.
    Unenforceable,
}

impl<'t> Fault<'t> {
    pub(super) const MISSING: Self = Fault { kind: FaultKind::Missing, name: "", detail: "" };

    pub(crate) const TOKEN_IN_PATH: Self = Fault {
        kind: FaultKind::Unenforceable,
        name: "",
        detail: "a scope token in the path, where this verifier is not set up to read one",
    };

    /// `parameter` is cut at its `=`, an escaped one as well: a value may be half a credential, and this is shown.
    #[cold]
    pub(super) fn malformed(parameter: &'t str, detail: &'static str) -> Self {
        Fault { kind: FaultKind::Malformed, name: name_of_escaped(parameter), detail }
    }

    #[cold]
    pub(crate) fn unenforceable(parameter: &'t str, detail: &'static str) -> Self {
        Fault { kind: FaultKind::Unenforceable, name: name_of_escaped(parameter), detail }
    }
}
