import { useTranslation } from "react-i18next";

/** `2.7 MB`, `340 MB`; what is small counts as one tenth. */
export function useSize(bytes: number): string {
  const { t } = useTranslation();
  const megabytes = bytes / 1e6;
  const n = megabytes < 10 ? Math.max(0.1, Math.round(megabytes * 10) / 10) : Math.round(megabytes);
  return t("sound.size", { n });
}
