/** What goes for ever, and what the clinic has chosen. */
import type * as b from "../../../src/api/bindings.gen";
import { no, ok } from "../answer";
import { rightPin, spoil, state, wrongPin } from "../world";

export const erasing = {
  clinicChoices: () => ok(state.choices),
  saveClinicChoices: (choices: b.ClinicChoices) => {
    state.choices = choices;
    spoil("clinic");
    return ok(null);
  },
  erasurePreview: (_patient: string) => ok(state.erasure),
  erasePatient: ({ patient, reason, pin }: b.ErasePatient) => {
    if (reason === "retention" && !state.erasure.retention_is_over) return no("not_now", { why: "retention", until: state.erasure.kept_until });
    if (!rightPin(pin)) return wrongPin();
    if (state.erasure.retention_is_over) state.patients = state.patients.filter((p) => p.id !== patient);
    spoil("patients", `patient:${patient}`);
    return ok(state.erasure.goes);
  },
};
