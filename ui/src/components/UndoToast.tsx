import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import page from "./Page.module.css";

/** Undo over "are you sure?". */
export function UndoToast({ text, onUndo }: { text: string; onUndo: () => void }) {
  const { t } = useTranslation();
  return (
    <span className={page.row}>
      <span>{text}</span>
      <Button variant="light" size="compact-md" h={36} onClick={onUndo}>
        {t("common.undo")}
      </Button>
    </span>
  );
}
