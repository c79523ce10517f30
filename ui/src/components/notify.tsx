import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { errorWords } from "./ErrorNote";
import { UndoToast } from "./UndoToast";

const closeButtonProps = () => ({ "aria-label": i18next.t("common.close") });

/** Says in a line that something is done. */
export function notify(message: string) {
  notifications.show({ message, closeButtonProps: closeButtonProps() });
}

/** Says what was done, and offers to undo it. */
export function notifyUndo(id: string, text: string, undo: () => void) {
  notifications.hide(id);
  const onUndo = () => {
    notifications.hide(id);
    undo();
  };
  notifications.show({ id, closeButtonProps: closeButtonProps(), message: <UndoToast text={text} onUndo={onUndo} /> });
}

/** An error of something that has no place of its own on the screen. */
export function notifyError(error: unknown) {
  const { title, help } = errorWords(error);
  notifications.show({ color: "red", title, message: help, closeButtonProps: closeButtonProps() });
}
