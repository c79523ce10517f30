/** Scenes of the preview and of tests, beside the ordinary day. */
import type * as b from "../../src/api/bindings.gen";
import * as data from "../people";
import { at, id, TENANT_A } from "./answer";
import { ALLERGIES, checked, DRAFT, line, PRODUCTS, SOUND, turnOf, TURNS } from "./clinical";
import { conflictsScene } from "./verbs/conflicts";
import { state, visitOf } from "./world";

export function scene(name: string) {
  if (name === "first-start" || name === "no-keyring") {
    state.app = { ...state.app, clinics: [], open: null, demo: null, keyring: name === "no-keyring" ? "absent" : "ready" };
  } else if (name === "no-demo") {
    state.app = { ...state.app, demo: null };
  } else if (name === "kit") {
    state.app = { ...state.app, open: null, demo: null, unfinished_setup: "recovery_kit" };
  } else if (name === "model") {
    state.app = { ...state.app, open: null, demo: null, unfinished_setup: "model" };
  } else if (name === "locked-clinic") {
    state.app = { ...state.app, open: null, clinics: [{ tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: true }] };
  } else if (name === "making-ready" || name === "not-ready") {
    // After an update; the other one finds no room, as `dev/main.tsx` tells.
    state.app = { ...state.app, open: null, making_ready: { tenant: TENANT_A, name: "Klinik Seri Mawar", done: 412_000, of: 1_241_000 } };
  } else if (name === "empty") {
    state.rows = [];
    state.patients = [];
    state.given = [];
    state.received = [];
    state.clinics = [];
    state.directory = { ...state.directory, clinics: [] };
    state.letters = { ...state.letters, received: [], sent: [], n_put_aside: 0 };
    state.requests = { ...state.requests, open: [], decided: [], held_back: [], n_unreadable: 0, asked: [] };
    state.audit = [];
    state.jobs = [];
  } else if (name === "disk-full") {
    state.status = { ...state.status, disk_full: true };
  } else if (name === "removed") {
    // This very device was put out, with work that it could not send.
    const { sync } = state.status;
    state.status = { ...state.status, removed: true, sync: { ...sync, connected: false, pending: 12, last_contact: at(95), error: "removed", peers: [] } };
    state.devices = state.devices.map((d) => (d.this ? { ...d, removed: true } : d));
  } else if (name === "copy") {
    // The disk was copied to another machine.
    state.status = { ...state.status, is_a_copy: true, sync: { ...state.status.sync, pending: 2 } };
  } else if (name === "damaged") {
    // A page of the store is not what was written there.
    state.status = { ...state.status, damaged: true };
  } else if (name === "arriving") {
    // A new tablet: the queue, the names and today's patients are here, the rest is on its way.
    state.status = { ...state.status, sync: { ...state.status.sync, arriving: 43, to_be_read: 900 } };
  } else if (name === "suspended") {
    // The operator has suspended the clinic.
    const { sync } = state.status;
    state.status = { ...state.status, sync: { ...sync, connected: false, pending: 4, last_contact: at(30), error: "suspended" } };
    state.plan = { ...state.plan, suspended: true };
  } else if (name === "plan-full") {
    // Little is left of the plan, and of its room nothing; the trial is over.
    const { usage } = state.plan;
    const limits: b.LimitView[] = [
      { of: "devices", used: 9, limit: 10, level: "near" },
      { of: "staff", used: null, limit: 20, level: "fine" },
      { of: "bytes", used: 10_200_000_000, limit: 10_000_000_000, level: "full" },
      { of: "requests", used: 84_210, limit: null, level: "fine" },
    ];
    if (usage) state.plan = { ...state.plan, usage: { ...usage, trial_until: at(1440), trial_over: true, limits, refuses_devices: true, refuses_attachments: true } };
  } else if (name === "put-aside") {
    // A removed tablet's late work, and a change that is not valid.
    state.status = { ...state.status, sync: { ...state.status.sync, quarantined: 13 } };
    state.aside = [
      { reason: "after_removal", device: "0d".repeat(32), letter: "D", name: "Old tablet", count: 12, first_at: at(2 * 1440), documents: { visit: 7, identity: 3, allergies: 2 }, waiting: 4, reviewed: false },
      { reason: "fork", device: "0b".repeat(32), letter: "B", name: "Dr Aisyah's tablet", count: 1, first_at: at(60), documents: {}, waiting: 0, reviewed: false },
    ];
  } else if (name === "conflicts") {
    conflictsScene();
  } else if (name === "lan-only") {
    // No internet: the relay was never reached, one device is nearby, another is away, and nobody can call this one.
    state.status = {
      ...state.status,
      sync: {
        ...state.status.sync,
        connected: false,
        pending: 3,
        last_contact: null,
        error: "unreachable",
        lan: { state: "failed", code: "no_port" },
        peers: [
          { device: "B", found: "announced", connected: true, equal: false, last_contact: at(0) },
          { device: "C", found: "typed", connected: false, equal: false, last_contact: at(7) },
        ],
      },
    };
    state.settings = { ...state.settings, lan_addresses: ["192.168.1.20"] };
  } else if (name === "no-backup") {
    state.backup = { ...state.backup, problem: "backup_folder_missing" };
    state.status = { ...state.status, backup_problem: "backup_folder_missing" };
  } else if (name === "not-admin") {
    // This device may not say who belongs: the kit does.
    state.devices = state.devices.map((d) => (d.this ? { ...d, admin: false } : d));
  } else if (name === "no-registration") {
    // An owner who does not practise.
    state.practises = false;
  } else if (name === "late-alert") {
    // Signed first, the allergy written down afterwards.
    const view = visitOf(id(2, 4));
    const banner = view && state.banners[view.banner.id];
    if (!view || !banner) return;
    banner.allergies = ALLERGIES;
    view.lines = [PRODUCTS[0], PRODUCTS[2]].map((product, i) => checked(line(20 + i, product as b.ProductChoice, {}), banner));
  } else if (name === "battery") {
    state.status = {
      sync: { has_relay: true, connected: false, pending: 3, sound_pending: 0, last_contact: at(34), quarantined: 0, error: "relay_not_reached", lan: { state: "listening", port: 47_800 }, peers: [{ device: "B", found: "announced", connected: true, equal: true, last_contact: at(0) }], conflicts: 0, missing: [], claimed_twice: 0, apart_since: null, apart_warns_minutes: 3, relay_lie: null, to_be_read: 0, n_changes: 4210, arriving: null },
      power: { state: "battery", on_battery_since: at(2), load_percent: 31, paused: true },
      printer: { address: "tcp://192.168.1.60:9100", waiting: 1, unknown: 1, problem: null },
      scribe: { microphone: null, channels: 0, model: null, demo_model: false },
      disk_full: false, last_backup: at(600), backup_problem: null, removed: false, is_a_copy: false, damaged: false,
    };
  } else if (name === "recorded" || name === "signed" || name === "sound-elsewhere") {
    const view = visitOf(id(1, 4));
    if (!view) return;
    view.recordings = [{ id: SOUND, state: "done", length_ms: 85_840, turns: TURNS.map(turnOf), model: "micro-demo.bin", demo_model: true }];
    view.note = { state: "draft", note: DRAFT.note, saved_at: at(1) };
    view.vitals = { ...DRAFT.vitals, weight: 58, weight_on: data.TODAY };
    view.diagnoses = [{ text: "Upper respiratory tract infection", icd10: "J06.9" }];
    view.lines = [checked(line(1, PRODUCTS[0] as b.ProductChoice, { units_per_dose: 2, frequency: "every_six_hours", when_needed: true, quantity: 24, indication: "fever" }), view.banner)];
    state.banners[view.banner.id] = { ...view.banner, vitals: { ...DRAFT.vitals, weight: 58, weight_on: "2026-11-12" } };
    if (name === "sound-elsewhere") state.sounds[SOUND] = { at: "elsewhere" };
    if (name !== "recorded") view.note = { state: "signed", note: DRAFT.note, signed_by: "Dr Aisyah binti Kamal", signed_at: at(1), verified: true, addenda: [], twice: false, late_edit: false };
  }
}
