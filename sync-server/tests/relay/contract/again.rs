//! Lists of other modules, once more, on PostgreSQL. What is not here looks into SQLite's file or puts one back.

macro_rules! again_on_postgres {
    ($($module:ident { $($name:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[test] fn $name() { crate::contract::on_postgres(crate::$module::$name) })*
        })*
    };
}

again_on_postgres! {
    attachments {
        a_clinic_s_chunks_are_counted_are_nobody_else_s_and_are_forgotten_for_ever,
    }
    consent {
        a_release_reaches_the_holder_of_its_grant_and_both_audits_tell,
        a_reconnect_with_nothing_new_is_no_access,
        the_gate_opens_with_the_grant_and_closes_with_it,
        a_third_clinic_gets_nothing_and_learns_nothing,
        the_giver_itself_pulls_nothing_through_the_gate,
        a_revocation_deletes_at_the_relay_and_at_the_recipient,
        a_revocation_cuts_what_is_on_its_way,
        a_revocation_before_its_grant_holds,
        nobody_revokes_the_grant_of_another,
        a_grant_in_the_name_of_another_clinic_is_refused,
        a_superseded_release_is_deleted_and_a_late_repetition_brings_nothing_back,
        a_release_that_arrives_after_its_successor_is_not_served,
        a_grant_given_while_both_are_there_arrives_at_once,
        a_relay_opened_again_knows_all_it_knew,
    }
    gone {
        a_covered_change_is_not_given_to_whoever_comes_and_does_not_come_again,
        the_body_of_a_covered_change_goes_after_thirty_days_and_its_id_stays,
        what_was_covered_or_erased_before_it_came_is_not_kept_when_it_comes,
        a_change_that_comes_without_its_body_stays_without_it,
        nobody_covers_or_erases_another_clinics_changes,
    }
    invitations {
        an_invitation_lets_one_clinic_in_once,
        an_invitation_ends_after_72_hours,
        a_forged_invitation_is_unknown,
        a_new_invitation_ends_the_old_one,
        a_clinic_joins_by_one_invitation_only,
        statements_that_do_not_hold_together_do_not_use_up_the_invitation,
    }
    removal {
        a_removed_device_is_refused_and_hears_the_statement_that_says_so,
        a_live_connection_is_cut_when_the_removal_arrives_and_hears_nothing_that_is_written_then,
        what_a_removed_device_wrote_too_late_comes_from_a_member_that_holds_it,
        a_removed_device_brings_in_no_statement_of_its_own,
        a_device_whose_removal_turns_out_void_is_let_in_by_what_it_brings,
    }
    snapshots {
        the_largest_snapshot_goes_to_every_device_and_a_larger_one_stops_nothing,
    }
}
