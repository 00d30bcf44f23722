//! The tables, as far as the query builder needs them; the migrations are the authority.

diesel::table! {
    outbound_message (id) {
        id -> Uuid,
        channel -> Text,
        recipient -> Nullable<Text>,
        template_key -> Nullable<Text>,
        body -> Text,
        lead_id -> Nullable<Text>,
        student_id -> Nullable<Text>,
        notification_id -> Nullable<Text>,
        owner_id -> Nullable<Text>,
        branch_id -> Nullable<Text>,
        job_id -> Nullable<Uuid>,
        full_name -> Nullable<Text>,
        owner_name -> Nullable<Text>,
        created_by -> Text,
        created_at -> Timestamptz,
        scheduled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    outbound_template_term (template_key, term) {
        template_key -> Text,
        term -> Text,
    }
}

diesel::table! {
    outbound_audit (id) {
        id -> Uuid,
        at -> Timestamptz,
        actor -> Text,
        action -> Text,
        subject -> Nullable<Text>,
        detail -> Jsonb,
    }
}

diesel::table! {
    outbound_delivery (message_id) {
        message_id -> Uuid,
        status -> Text,
        priority -> SmallInt,
        channel -> Text,
        owner_id -> Text,
        branch_id -> Nullable<Text>,
        job_id -> Nullable<Uuid>,
        next_attempt_at -> Nullable<Timestamptz>,
        attempt -> Integer,
        retry_count -> Integer,
        handoff_failures -> Integer,
        lost_leases -> Integer,
        attempted -> Bool,
        attempt_failed -> Nullable<Bool>,
        resume_status -> Nullable<Text>,
        lease_id -> Nullable<Uuid>,
        leased_at -> Nullable<Timestamptz>,
        lease_expires_at -> Nullable<Timestamptz>,
        dispatched_at -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
        provider_message_id -> Nullable<Text>,
        error -> Nullable<Text>,
        failure_kind -> Nullable<Text>,
        revision -> Integer,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    outbound_event (message_id, id) {
        id -> BigInt,
        message_id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        from_status -> Text,
        to_status -> Text,
        actor -> Text,
        attempt -> Integer,
        lease_id -> Nullable<Uuid>,
        leased_at -> Nullable<Timestamptz>,
        dispatched_at -> Nullable<Timestamptz>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    outbound_rate_window (key) {
        key -> Text,
        seconds -> Array<BigInt>,
        counts -> Array<Integer>,
    }
}

diesel::table! {
    outbound_opt_out (channel, key, contact_key) {
        channel -> Text,
        key -> Text,
        contact_key -> Text,
    }
}

diesel::table! {
    outbound_run (lease_id) {
        lease_id -> Uuid,
        started_at -> Timestamptz,
        actor -> Text,
        pulled -> Bool,
        ignored_quiet_hours -> Bool,
        leased -> Integer,
        ended_at -> Nullable<Timestamptz>,
        handed_off -> Integer,
        failed -> Integer,
        released -> Integer,
        rate_limited -> Integer,
    }
}

diesel::table! {
    outbound_circuit (id) {
        id -> Bool,
        state -> Text,
        failures -> BigInt,
        until -> Nullable<Timestamptz>,
        revision -> Integer,
    }
}

diesel::table! {
    outbound_in_force (id) {
        id -> Bool,
        gateway -> Nullable<Text>,
        rules -> Jsonb,
        started_at -> Timestamptz,
    }
}

diesel::table! {
    outbound_contact (key) {
        key -> Text,
        full_name -> Nullable<Text>,
        phone -> Nullable<Text>,
        zalo_user_id -> Nullable<Text>,
        facebook_psid -> Nullable<Text>,
        owner_id -> Nullable<Text>,
        owner_name -> Nullable<Text>,
        branch_id -> Nullable<Text>,
        opted_out -> Array<Text>,
        search -> Text,
    }
}

diesel::table! {
    outbound_template (key) {
        key -> Text,
        title -> Text,
        channel -> Text,
        body -> Text,
        is_active -> Bool,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    outbound_job (id) {
        id -> Uuid,
        title -> Text,
        status -> Text,
        action_key -> Nullable<Text>,
        suggestion_id -> Nullable<Text>,
        task_id -> Nullable<Text>,
        run_id -> Nullable<Text>,
        last_error -> Nullable<Text>,
        note -> Nullable<Text>,
        owner_id -> Nullable<Text>,
        branch_id -> Nullable<Text>,
        created_by -> Text,
        dispatched_at -> Nullable<Timestamptz>,
        done_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    outbound_job_event (job_id, id) {
        id -> BigInt,
        job_id -> Uuid,
        at -> Timestamptz,
        from_status -> Nullable<Text>,
        to_status -> Text,
        actor -> Text,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    outbound_idempotency (actor, route, key) {
        actor -> Text,
        route -> Text,
        key -> Text,
        fingerprint -> Bytea,
        answer -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(outbound_message, outbound_delivery);
