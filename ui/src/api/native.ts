/** File and folder dialogs of the operating system; tests and the dev entry replace them by setting a hook. */
import { open, save } from "@tauri-apps/plugin-dialog";

export type FileKind = { name: string; extensions: string[] };

interface Dialogs {
  pickFile(kind: FileKind): Promise<string | null>;
  pickFolder(): Promise<string | null>;
  saveAs(suggested: string, kind: FileKind): Promise<string | null>;
}

let dialogs: Dialogs = {
  pickFile: (kind) => open({ multiple: false, directory: false, filters: [kind] }),
  pickFolder: () => open({ multiple: false, directory: true }),
  saveAs: (suggested, kind) => save({ defaultPath: suggested, filters: [kind] }),
};

/** Replaces the dialogs. WebDriver journeys cannot click a native dialog: see TESTING.md. */
export function replaceDialogs(other: Dialogs) {
  dialogs = other;
}

export const pickFile = (kind: FileKind) => dialogs.pickFile(kind);
export const pickFolder = () => dialogs.pickFolder();
export const saveAs = (suggested: string, kind: FileKind) => dialogs.saveAs(suggested, kind);
