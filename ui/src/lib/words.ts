import enAdmin from "@locales/en/admin.json";
import enCommon from "@locales/en/common.json";
import enConflicts from "@locales/en/conflicts.json";
import enConsent from "@locales/en/consent.json";
import enConsult from "@locales/en/consult.json";
import enDispense from "@locales/en/dispense.json";
import enErrors from "@locales/en/errors.json";
import enFindings from "@locales/en/findings.json";
import enNetwork from "@locales/en/network.json";
import enPatients from "@locales/en/patients.json";
import enSetup from "@locales/en/setup.json";
import enShell from "@locales/en/shell.json";
import enSignin from "@locales/en/signin.json";
import enSound from "@locales/en/sound.json";
import enSync from "@locales/en/sync.json";
import enTime from "@locales/en/time.json";
import enToday from "@locales/en/today.json";
import msAdmin from "@locales/ms/admin.json";
import msCommon from "@locales/ms/common.json";
import msConflicts from "@locales/ms/conflicts.json";
import msConsent from "@locales/ms/consent.json";
import msConsult from "@locales/ms/consult.json";
import msDispense from "@locales/ms/dispense.json";
import msErrors from "@locales/ms/errors.json";
import msFindings from "@locales/ms/findings.json";
import msNetwork from "@locales/ms/network.json";
import msPatients from "@locales/ms/patients.json";
import msSetup from "@locales/ms/setup.json";
import msShell from "@locales/ms/shell.json";
import msSignin from "@locales/ms/signin.json";
import msSound from "@locales/ms/sound.json";
import msSync from "@locales/ms/sync.json";
import msTime from "@locales/ms/time.json";
import msToday from "@locales/ms/today.json";

/** English: the typed one. `t("today.register.title")` is `locales/en/today.json`, `register.title`. */
export const en = {
  admin: enAdmin,
  common: enCommon,
  conflicts: enConflicts,
  consent: enConsent,
  consult: enConsult,
  dispense: enDispense,
  errors: enErrors,
  findings: enFindings,
  network: enNetwork,
  patients: enPatients,
  setup: enSetup,
  shell: enShell,
  signin: enSignin,
  sound: enSound,
  sync: enSync,
  time: enTime,
  today: enToday,
};

export const ms = {
  admin: msAdmin,
  common: msCommon,
  conflicts: msConflicts,
  consent: msConsent,
  consult: msConsult,
  dispense: msDispense,
  errors: msErrors,
  findings: msFindings,
  network: msNetwork,
  patients: msPatients,
  setup: msSetup,
  shell: msShell,
  signin: msSignin,
  sound: msSound,
  sync: msSync,
  time: msTime,
  today: msToday,
};

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
  }
}
