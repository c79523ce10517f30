/** This device: its status, settings, models. */
import type * as b from "../../../src/api/bindings.gen";
import { ok } from "../answer";
import { spoil, state } from "../world";

export const device = {
  status: () => ok(state.status),
  deviceSettings: () => ok(state.settings),
  saveDeviceSettings: (settings: b.DeviceSettings) => {
    state.settings = settings;
    spoil("settings");
    return ok(null);
  },
  microphones: () => ok([{ id: "hw:1", name: "ReSpeaker array (4 ch)" }, { id: "hw:0", name: "Built-in microphone" }]),
  models: () => ok(state.models),
  importModel: () => {
    const model = { ...(state.models[1] as b.ModelChoice), installed: true };
    state.models = state.models.map((m) => (m.id === model.id ? model : m));
    spoil("settings");
    return ok(model);
  },
  setLanguage: () => ok(null),
};
