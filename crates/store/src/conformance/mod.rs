//! The suite every database behind the contract must pass.
//!
//! A case gets a fresh, empty store that leads, and fails by assertion or by an error. [`store_conformance!`](crate::store_conformance)
//! makes a test of each.

pub mod clock;
pub mod keeping;
pub mod leading;
pub mod ledger;
pub mod notices;
pub mod outbox;
pub mod queries;
pub mod repairs;
pub mod repairs_keeping;
pub mod repairs_sample;
pub mod sample;
pub mod sessions;
pub mod silences;

/// How a case ends.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Makes a module of tests, one per case. The second argument is an async function or closure that returns a fresh store
/// as `Arc<dyn Store>`, and something to keep alive meanwhile; or nothing where there is no such database, which it has
/// said.
#[macro_export]
macro_rules! store_conformance {
    ($module:ident, $fresh:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::store_conformance!(@cases $fresh, ledger:
                an_unknown_subject_has_an_empty_ledger_of_revision_zero
                a_commit_is_read_back_whole
                a_stale_revision_is_refused_and_writes_nothing
                an_event_id_used_twice_leaves_nothing_of_its_commit
                a_delivery_of_an_unknown_event_leaves_nothing_of_its_commit
                a_delivery_may_be_about_an_earlier_event
                entries_are_changed_and_removed
                born_stays_and_a_fingerprint_is_cleared
                a_remembered_match_does_not_touch_the_revision
                passes_in_one_transaction_have_outcomes_of_their_own
                a_later_pass_of_a_subject_builds_on_the_earlier_one
                concurrent_writers_all_get_in
                one_of_two_writers_of_a_subject_is_refused
                names_of_any_script_survive
                an_identical_entry_comes_back_to_the_nanosecond
                a_name_with_a_nul_is_kept_and_can_be_read
                names_of_any_length_are_kept_apart
            );
            $crate::store_conformance!(@cases $fresh, outbox:
                a_delivery_is_claimed_once_until_its_lease_ends
                an_outdated_ticket_cannot_retry_or_bury_but_delivered_is_a_fact
                deliveries_of_one_drift_keep_their_order
                a_dead_delivery_holds_nothing_back_and_can_be_sent_again
                a_dead_delivery_that_arrived_after_all_hurries_nothing
                a_retry_comes_back_when_due_with_its_errors
                what_waits_behind_a_retry_is_not_due_before_it
                what_waits_for_a_receiver_is_due_at_once_when_it_is_back
                one_that_arrived_after_all_lets_go_what_waits_behind_it
                a_released_delivery_is_due_at_once_and_the_attempt_is_not_counted
                each_sink_gets_its_share
                a_limit_is_kept
                every_attempt_and_sink_gets_the_canonical_event_to_the_byte
                the_depth_of_the_outbox_is_told_by_sink
                deliveries_are_listed_and_filtered
                many_claimants_never_share_a_delivery
            );
            $crate::store_conformance!(@cases $fresh, queries:
                pages_stay_stable_while_events_are_added
                a_cursor_of_nobody_ends_the_list
                events_are_filtered
                what_opened_and_ended_is_read_on_from_where_one_was
                the_last_sign_of_life_is_when_anything_was_last_seen
                events_behind_a_number_come_in_their_order
                moments_compare_across_time_zones_and_fractions
                drifts_are_filtered_and_paged
                a_drift_is_found_by_its_handle_in_any_case
                open_drifts_are_counted
                the_journal_is_kept_and_filtered
                an_export_is_one_object_a_line
                an_export_larger_than_a_page_is_whole
                figures_add_up
                a_closed_store_says_so
            );
            $crate::store_conformance!(@cases $fresh, repairs:
                a_proposal_comes_back_in_every_state
                the_planner_gets_what_is_under_way_what_was_dispatched_and_what_is_of_an_open_drift
                controls_are_kept_with_their_revision
                a_step_that_is_refused_leaves_nothing
                a_callback_is_used_once
                of_two_who_change_a_proposal_one_wins
                proposals_are_filtered
                pages_of_proposals_stay_stable_while_proposals_are_made
                proposals_of_any_script_survive
            );
            $crate::store_conformance!(@cases $fresh, notices:
                a_notice_is_claimed_to_the_byte_at_every_attempt
                notices_keep_their_order_and_wait_for_no_event
                a_notice_that_was_given_up_is_listed_and_sent_again
                a_notice_for_nobody_is_not_kept
                a_notice_is_no_event
            );
            $crate::store_conformance!(@cases $fresh, repairs_keeping:
                retention_removes_only_proposals_that_nothing_needs
                retention_of_proposals_by_count_keeps_the_newest
                callbacks_go_a_day_after_their_time_was_up
                retention_removes_a_notice_when_nobody_waits_for_it
            );
            $crate::store_conformance!(@cases $fresh, silences:
                a_silence_is_kept_with_its_line_of_the_journal
                a_silence_that_is_refused_leaves_nothing
                silences_are_filtered
                pages_of_silences_stay_stable_while_silences_are_made
                silences_of_any_script_survive
                silences_are_exported
                retention_removes_only_silences_that_are_over
            );
            $crate::store_conformance!(@cases $fresh, sessions:
                a_session_is_kept_with_its_note_until_it_is_ended
                a_session_that_is_seen_again_says_when
                sessions_go_a_day_after_their_time_was_up
                somebody_who_logs_in_again_and_again_fills_nothing
            );
            $crate::store_conformance!(@cases $fresh, clock:
                a_clock_that_goes_on_changes_nothing
                what_waits_is_due_when_the_clock_is_set_back
                what_was_made_later_than_now_is_due_and_keeps_its_order
                a_wait_that_is_longer_than_any_is_over
                what_is_seen_after_the_clock_was_set_back_is_news
            );
            $crate::store_conformance!(@cases $fresh, leading:
                whoever_leads_renews_it_as_it_is
                what_the_leader_shows_is_kept_and_replaced
            );
            $crate::store_conformance!(@cases $fresh, keeping:
                a_snapshot_is_kept_only_when_it_changes
                an_older_report_is_ignored
                expected_snapshots_are_kept_only_when_they_change
                what_each_source_shows_of_a_host_can_be_asked
                ten_megabytes_of_snapshot_survive
                whoever_ever_showed_a_host_is_known
                the_last_inventory_replaces_the_one_before
                sources_and_assets_may_be_said_again
                retention_by_age_never_removes_what_is_not_delivered
                retention_by_count_keeps_the_newest
                retention_never_touches_ledger_entries_or_the_newest_snapshot
                retention_works_through_more_than_a_batch
                commits_get_in_between_the_batches_of_retention
                rows_are_counted_through_everything_that_writes
                the_size_tells_what_is_kept
                numbers_are_not_given_out_again_after_retention
            );
        }
    };
    (@cases $fresh:expr, $file:ident: $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some((store, _keep)) = $fresh().await else { return };
                if let Err(error) = $crate::conformance::$file::$case(store).await {
                    panic!("{error}: {error:?}");
                }
            }
        )*
    };
}

/// As [`store_conformance!`](crate::store_conformance), for a database that several processes may have open. The second
/// argument returns two stores with the same fresh database, of which neither leads.
#[macro_export]
macro_rules! several_processes {
    ($module:ident, $fresh:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::store_conformance!(@cases $fresh, leading:
                one_of_two_leads
                a_lead_that_ran_out_is_taken_over
                whoever_resigns_is_followed_at_once
                what_an_earlier_leader_had_claimed_is_due_at_once
                a_fenced_writer_writes_nothing_by_any_method
                commits_of_two_who_take_turns_are_all_there
            );
        }
    };
}
