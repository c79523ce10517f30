/** Backups, and a clinic from one. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { at, no, ok, TENANT_A } from "../answer";
import { spoil, state, tell } from "../world";

let end: (() => void) | null = null;

/** Tells how far a running backup, or restoring, is; with 100 % of the checking it ends. */
export function backedUpSoFar(stage: b.BackupStage, percent: number) {
  tell("backupProgress", { stage, percent });
  if (stage === "checking" && percent === 100) end?.();
}

/** It runs until it is told to end. */
const ended = () =>
  new Promise<void>((resolve) => {
    end = () => {
      end = null;
      resolve();
    };
  });

export const backup = {
  backupState: () => ok(state.backup),
  setBackupFolder: (folder: string, with_sound: boolean) => {
    state.backup = { ...state.backup, folder, with_sound, problem: null };
    state.status = { ...state.status, backup_problem: null };
    spoil("settings", "status");
    return ok(null);
  },
  backupNow: () => {
    if (!state.backup.folder) return no("not_now", { why: "backup_folder" });
    return ended().then(() => {
      state.backup = { ...state.backup, problem: null, last: { at: at(0), folder: state.backup.folder, file: "medieco-1a2b3c4d-20261121T100000Z.backup", bytes: 43_000_000, sound_missing: state.backup.with_sound ? 2 : 0 } };
      state.status = { ...state.status, last_backup: at(0), backup_problem: null };
      spoil("status");
      return ok(state.backup);
    });
  },
  restoreClinic: (input: b.RestoreClinic) => {
    if (input.words !== data.WORDS.join(" ")) return no("kit_wrong");
    return ended().then(() => {
      state.app = { ...state.app, clinics: [{ tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: input.protection.kind === "passphrase" }], open: TENANT_A };
      state.session = null;
      return ok(null);
    });
  },
};
