/** This device: its status, settings, models. */
import type * as b from "../../../src/api/bindings.gen";
import { no, ok } from "../answer";
import { spoil, state, tell } from "../world";

let endImport: ((whole: boolean) => void) | null = null;

/** Tells how far a running import is; with the last byte it ends. */
export function importedSoFar(done_bytes: number, total_bytes: number) {
  tell("modelImport", { done_bytes, total_bytes });
  if (done_bytes === total_bytes) endImport?.(true);
}

export const device = {
  status: () => ok(state.status),
  deviceSettings: () => ok(state.settings),
  saveDeviceSettings: (settings: b.DeviceSettings) => {
    if (settings.lan_addresses.some((address) => !/^[\w.:[\]-]+$/.test(address))) return no("invalid", { field: "lan_addresses" });
    const { sync } = state.status;
    state.status = { ...state.status, sync: { ...sync, lan: settings.lan_enabled ? (sync.lan.state === "off" ? { state: "listening", port: 47_800 } : sync.lan) : { state: "off" } } };
    state.settings = settings;
    spoil("settings");
    return ok(null);
  },
  microphones: () => ok([{ id: "hw:1", name: "ReSpeaker array (4 ch)" }, { id: "hw:0", name: "Built-in microphone" }]),
  models: () => ok(state.models),
  importModel: (_path: string) => {
    const model = { ...(state.models[1] as b.ModelChoice), installed: true };
    // It runs until it is told to end.
    const ended = new Promise<boolean>((resolve) => {
      endImport = resolve;
    });
    return ended.then((whole) => {
      endImport = null;
      if (!whole) return no("cancelled");
      state.models = state.models.map((m) => (m.id === model.id ? model : m));
      spoil("settings");
      return ok(model);
    });
  },
  cancelModelImport: () => {
    endImport?.(false);
    return ok(null);
  },
  setLanguage: () => ok(null),
};
