/** The clinic's devices, and what was put aside. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { no, ok } from "../answer";
import { rightPin, spoil, state, wrongPin } from "../world";

const KIT = data.WORDS.join(" ");
const mayNot = (kit: string | null) => (kit !== null && kit !== KIT ? "kit_wrong" : kit === null && !state.devices.some((d) => d.this && d.admin) ? "kit_needed" : null);
const change = (id: string, to: Partial<b.DeviceView>) => {
  state.devices = state.devices.map((d) => (d.id === id ? { ...d, ...to } : d));
  spoil("devices", "staff", "status");
};

/** The clinic that was open is on this device no more. */
function gone(pin: string) {
  if (!rightPin(pin)) return wrongPin();
  const { pending } = state.status.sync;
  state.app = { ...state.app, open: null, clinics: state.app.clinics.filter((c) => c.tenant !== state.app.open) };
  state.session = null;
  state.status = { ...state.status, removed: false, is_a_copy: false };
  return ok(pending);
}

export const members = {
  devices: () => ok(state.devices),
  renameDevice: (device: string, name: string) => {
    change(device, { name: name || null });
    return ok(null);
  },
  makeAdmin: ({ device, pin, kit }: b.MakeAdmin) => {
    const refused = mayNot(kit);
    if (refused) return no(refused);
    if (!rightPin(pin)) return wrongPin();
    change(device, { admin: true });
    return ok(null);
  },
  removeDevice: ({ device, pin, kit, own }: b.RemoveDevice) => {
    const refused = mayNot(kit);
    if (refused) return no(refused);
    const self = state.devices.some((d) => d.id === device && d.this);
    if (self && kit === null) return no("kit_needed");
    if (self && !own) return no("not_now", { why: "own_device" });
    if (!rightPin(pin)) return wrongPin();
    if (self) state.status = { ...state.status, removed: true };
    change(device, { removed: true });
    return ok(null);
  },
  quarantined: () => ok(state.aside),
  reviewRemoved: ({ device, take, pin, kit }: b.ReviewRemoved) => {
    const refused = take ? mayNot(kit) : null;
    if (refused) return no(refused);
    if (!rightPin(pin)) return wrongPin();
    const ours = (group: b.QuarantinedView) => group.device === device && group.reason === "after_removal";
    const gone = state.aside.filter(ours).reduce((sum, group) => sum + group.count, 0);
    state.aside = take ? state.aside.filter((group) => !ours(group)) : state.aside.map((group) => (ours(group) ? { ...group, reviewed: true } : group));
    state.status = { ...state.status, sync: { ...state.status.sync, quarantined: state.status.sync.quarantined - gone } };
    spoil("devices", "status");
    return ok(null);
  },
  beginAnew: (_path: string, pin: string) => gone(pin),
  leaveClinic: (_unsent: string | null, pin: string) => gone(pin),
  saveUnsent: (_path: string) => ok(state.status.sync.pending),
  takeInUnsent: (_path: string) => ok(5),
};
