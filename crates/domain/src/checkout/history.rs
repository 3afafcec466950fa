//! How far an order's workflows have come, step by step.
//!
//! Nothing is stored for it: each step that ended left a fact in the event log, in the transaction
//! that ended it, and the step that waits is the order's job. So the history costs an order nothing,
//! and cannot disagree with what happened.

use stoa_kernel::Timestamp;

use crate::order::{Order, OrderStatus, PaymentStatus};

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A decision and its changes, in one transaction.
    Command,
    /// A call to the outside, tried until it is certain how it ended.
    Job,
}

/// Which workflow a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workflow {
    /// From a cart to a placed order.
    Checkout,
    /// From a placed order to money given back.
    Cancellation,
}

/// A step of a workflow, as it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepDefinition {
    /// Which workflow.
    pub workflow: Workflow,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: StepKind,
    /// The fact that says that it is done.
    done_by: &'static str,
    /// The fact that says that it failed, where it can.
    failed_by: Option<&'static str>,
    /// The step that undoes it when the workflow fails.
    pub compensated_by: Option<&'static str>,
    /// Whether it is only run to undo another.
    pub is_compensation: bool,
}

const fn step(
    workflow: Workflow,
    name: &'static str,
    kind: StepKind,
    done_by: &'static str,
) -> StepDefinition {
    let (failed_by, compensated_by, is_compensation) = (None, None, false);
    StepDefinition { workflow, name, kind, done_by, failed_by, compensated_by, is_compensation }
}

/// All steps in their order. What to do next is decided by [`super::workflow::next_step`].
pub const STEPS: &[StepDefinition] = &[
    StepDefinition {
        compensated_by: Some("release_stock"),
        ..step(Workflow::Checkout, "reserve_stock", StepKind::Command, "order.pending")
    },
    StepDefinition {
        failed_by: Some("payment.declined"),
        ..step(Workflow::Checkout, "take_payment", StepKind::Job, "payment.captured")
    },
    step(Workflow::Checkout, "place_order", StepKind::Command, "order.placed"),
    StepDefinition {
        is_compensation: true,
        ..step(Workflow::Checkout, "release_stock", StepKind::Command, "payment.declined")
    },
    step(Workflow::Cancellation, "cancel_order", StepKind::Command, "order.cancelled"),
    step(Workflow::Cancellation, "return_payment", StepKind::Job, "payment.refunded"),
];

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It is done.
    Done,
    /// It is done, and was undone.
    Compensated,
    /// It waits for the outside.
    Waiting,
    /// It failed for good.
    Failed,
    /// It comes later.
    Ahead,
}

/// The job that an order waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How often a worker has tried.
    pub tries: i64,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Why it is tried again.
    pub error: Option<String>,
}

/// A step of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The step.
    pub definition: &'static StepDefinition,
    /// How far it is.
    pub state: StepState,
    /// When it ended.
    pub at: Option<Timestamp>,
    /// Its tries, where it waits and a worker has it.
    pub waiting: Option<Waiting>,
}

/// The steps of an order's workflows, given the facts about it (their kinds and times, in order) and
/// the job it waits for.
pub fn history(
    order: &Order,
    facts: &[(&str, Timestamp)],
    waiting: Option<&Waiting>,
) -> Vec<StepRecord> {
    let when = |kind: &str| facts.iter().find(|(fact, _)| *fact == kind).map(|(_, at)| *at);
    let is_cancelled = order.status == OrderStatus::Cancelled;
    // An order that cost nothing is cancelled without money going back.
    let owes =
        matches!(order.payment.status, PaymentStatus::RefundPending | PaymentStatus::Refunded);
    let mut records = Vec::new();
    for definition in STEPS {
        let (done, failed) = (when(definition.done_by), definition.failed_by.and_then(when));
        let is_shown = match definition.workflow {
            Workflow::Checkout if definition.is_compensation => done.is_some(),
            Workflow::Checkout => {
                definition.name != "place_order" || when("payment.declined").is_none()
            }
            Workflow::Cancellation => {
                is_cancelled && (definition.kind == StepKind::Command || owes)
            }
        };
        if !is_shown {
            continue;
        }
        let undone = definition.compensated_by.and_then(|name| {
            let by = STEPS.iter().find(|step| step.name == name)?;
            when(by.done_by)
        });
        let is_now = match definition.name {
            "take_payment" => order.status == OrderStatus::Pending,
            "return_payment" => order.payment.status == PaymentStatus::RefundPending,
            _ => false,
        };
        let (state, at) = match (done, failed, undone) {
            (Some(at), _, Some(_)) => (StepState::Compensated, Some(at)),
            (Some(at), ..) => (StepState::Done, Some(at)),
            (None, Some(at), _) => (StepState::Failed, Some(at)),
            (None, None, _) if is_now => (StepState::Waiting, None),
            _ => (StepState::Ahead, None),
        };
        let waiting = waiting.filter(|_| state == StepState::Waiting).cloned();
        records.push(StepRecord { definition, state, at, waiting });
    }
    records
}

#[cfg(test)]
mod tests {
    use super::super::workflow::tests::order;
    use super::*;

    fn told(
        status: OrderStatus,
        payment: PaymentStatus,
        facts: &[&str],
    ) -> Vec<(&'static str, StepState)> {
        let facts: Vec<(&str, Timestamp)> =
            facts.iter().map(|fact| (*fact, Timestamp::EPOCH)).collect();
        let waiting = Waiting { tries: 3, ..Waiting::default() };
        let records = history(&order(status, payment), &facts, Some(&waiting));
        for record in &records {
            assert_eq!(record.waiting.is_some(), record.state == StepState::Waiting);
        }
        records.iter().map(|record| (record.definition.name, record.state)).collect()
    }

    #[test]
    fn each_state_of_an_order_shows_how_far_its_workflow_is() {
        use OrderStatus as O;
        use PaymentStatus as P;
        use StepState::{Ahead, Compensated, Done, Failed, Waiting};
        let begun = ["order.pending"];
        assert_eq!(
            told(O::Pending, P::Pending, &begun),
            [("reserve_stock", Done), ("take_payment", Waiting), ("place_order", Ahead)]
        );
        let declined = ["order.pending", "payment.declined"];
        assert_eq!(
            told(O::Failed, P::Declined, &declined),
            [("reserve_stock", Compensated), ("take_payment", Failed), ("release_stock", Done)]
        );
        let placed = ["order.pending", "payment.captured", "order.placed"];
        let all_done = [("reserve_stock", Done), ("take_payment", Done), ("place_order", Done)];
        assert_eq!(told(O::Placed, P::Paid, &placed), all_done);
        let mut cancelled = placed.to_vec();
        cancelled.push("order.cancelled");
        let waits = [("cancel_order", Done), ("return_payment", Waiting)];
        assert_eq!(told(O::Cancelled, P::RefundPending, &cancelled)[3..], waits);
        cancelled.push("payment.refunded");
        let refunded = [("cancel_order", Done), ("return_payment", Done)];
        assert_eq!(told(O::Cancelled, P::Refunded, &cancelled)[3..], refunded);
    }

    #[test]
    fn every_compensation_is_a_step() {
        for step in STEPS {
            let Some(name) = step.compensated_by else { continue };
            assert!(STEPS.iter().any(|other| other.name == name && other.is_compensation));
        }
    }
}
