//! Who may do what, and to which messages (contract §10).

use crate::ids::{BranchId, OwnerId};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// A role of the CRM.
    pub enum Role {
        /// Sees and does everything.
        Admin = "admin",
        /// Sees and does what belongs to the own branch.
        Manager = "manager",
        /// Sees and does what is their own.
        Telesales = "telesales",
        /// The Facebook page's clerk: sees and creates everything, runs nothing.
        DirectPage = "direct_page",
        /// Sees jobs only.
        Viewer = "viewer",
    }
}

impl Role {
    /// The role that a token names: in any letter case; an unknown one has a viewer's rights.
    pub fn from_claim(claim: &str) -> Self {
        claim.trim().to_ascii_lowercase().parse().unwrap_or(Self::Viewer)
    }

    /// Whether the role holds a permission (the table of contract §10).
    pub const fn may(self, permission: Permission) -> bool {
        use Permission::{
            AuditView, JobsCreate, JobsUpdate, JobsView, MessagingCreate, MessagingRun, MessagingUpdate,
            MessagingView,
        };
        match self {
            Self::Admin => true,
            Self::Manager => match permission {
                MessagingView | MessagingCreate | MessagingUpdate | MessagingRun | JobsView | JobsCreate
                | JobsUpdate => true,
                AuditView => false,
            },
            Self::Telesales => match permission {
                MessagingView | MessagingCreate | MessagingRun | JobsView | JobsCreate | JobsUpdate => true,
                MessagingUpdate | AuditView => false,
            },
            Self::DirectPage => match permission {
                MessagingView | MessagingCreate | JobsView | JobsCreate | JobsUpdate => true,
                MessagingUpdate | MessagingRun | AuditView => false,
            },
            Self::Viewer => match permission {
                JobsView => true,
                MessagingView | MessagingCreate | MessagingUpdate | MessagingRun | JobsCreate
                | JobsUpdate | AuditView => false,
            },
        }
    }
}

vocabulary! {
    /// What an endpoint asks of its caller.
    pub enum Permission {
        /// Read messages, templates and statistics.
        MessagingView = "messaging:VIEW",
        /// Queue messages.
        MessagingCreate = "messaging:CREATE",
        /// Write templates.
        MessagingUpdate = "messaging:UPDATE",
        /// Dispatch, cancel and requeue.
        MessagingRun = "messaging:RUN",
        /// Read jobs.
        JobsView = "outbound_jobs:VIEW",
        /// Create jobs.
        JobsCreate = "outbound_jobs:CREATE",
        /// Change jobs.
        JobsUpdate = "outbound_jobs:UPDATE",
        /// Read who did what.
        AuditView = "audit:VIEW",
    }
}

/// Whoever holds a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `sub`: the user's id, which is the ownerId of the messages that are theirs.
    pub subject: OwnerId,
    /// The role.
    pub role: Role,
    /// The branch that the token names.
    pub branch: Option<BranchId>,
    /// The name that the token gives.
    pub name: Option<String>,
}

impl Caller {
    /// The messages and jobs that the caller sees and acts on.
    pub fn scope(&self) -> Scope {
        let own = Scope { owner: Some(self.subject.clone()), branch: None };
        match (self.role, &self.branch) {
            (Role::Admin | Role::DirectPage, _) => Scope::everything(),
            (Role::Manager | Role::Viewer, Some(branch)) => {
                Scope { owner: None, branch: Some(branch.clone()) }
            }
            (Role::Telesales, Some(branch)) => Scope { branch: Some(branch.clone()), ..own },
            (Role::Manager | Role::Viewer | Role::Telesales, None) => own,
        }
    }
}

/// A filter over owners and branches: each part that is set must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Only what this owner owns.
    pub owner: Option<OwnerId>,
    /// Only what belongs to this branch.
    pub branch: Option<BranchId>,
}

impl Scope {
    /// No limit: admins, and the worker itself.
    pub const fn everything() -> Self {
        Self { owner: None, branch: None }
    }

    /// Whether something of this owner and branch lies in the scope.
    pub fn covers(&self, owner: Option<&OwnerId>, branch: Option<&BranchId>) -> bool {
        self.owner.as_ref().is_none_or(|mine| owner == Some(mine))
            && self.branch.as_ref().is_none_or(|mine| branch == Some(mine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role, branch: Option<&str>) -> Caller {
        Caller {
            subject: OwnerId::parse("u1").unwrap(),
            role,
            branch: branch.map(|b| BranchId::parse(b).unwrap()),
            name: None,
        }
    }

    #[test]
    fn roles_are_case_insensitive_and_unknown_ones_are_viewers() {
        assert_eq!(Role::from_claim("ADMIN"), Role::Admin);
        assert_eq!(Role::from_claim(" Telesales "), Role::Telesales);
        assert_eq!(Role::from_claim("root"), Role::Viewer);
        assert_eq!(Role::from_claim(""), Role::Viewer);
    }

    #[test]
    fn the_permission_table_is_the_contract_s() {
        let holders = |p: Permission| {
            Role::ALL.iter().filter(|r| r.may(p)).map(|r| r.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(holders(Permission::MessagingView), "admin manager telesales direct_page");
        assert_eq!(holders(Permission::MessagingCreate), "admin manager telesales direct_page");
        assert_eq!(holders(Permission::MessagingUpdate), "admin manager");
        assert_eq!(holders(Permission::MessagingRun), "admin manager telesales");
        assert_eq!(holders(Permission::JobsView), "admin manager telesales direct_page viewer");
        assert_eq!(holders(Permission::JobsCreate), "admin manager telesales direct_page");
        assert_eq!(holders(Permission::JobsUpdate), "admin manager telesales direct_page");
        assert_eq!(holders(Permission::AuditView), "admin");
    }

    #[test]
    fn scope_follows_role_and_branch() {
        let (me, other) = (OwnerId::parse("u1").unwrap(), OwnerId::parse("u2").unwrap());
        let (here, there) = (BranchId::parse("b1").unwrap(), BranchId::parse("b2").unwrap());
        assert!(caller(Role::Admin, None).scope().covers(None, None));
        let manager = caller(Role::Manager, Some("b1")).scope();
        assert!(manager.covers(Some(&other), Some(&here)) && !manager.covers(Some(&me), Some(&there)));
        let alone = caller(Role::Manager, None).scope();
        assert!(alone.covers(Some(&me), Some(&there)) && !alone.covers(Some(&other), None));
        let sales = caller(Role::Telesales, Some("b1")).scope();
        assert!(sales.covers(Some(&me), Some(&here)));
        assert!(!sales.covers(Some(&me), Some(&there)) && !sales.covers(Some(&other), Some(&here)));
    }
}
