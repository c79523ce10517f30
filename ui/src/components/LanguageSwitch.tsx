import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { currentLanguage, keepLanguage, type Language } from "@/lib/i18n";
import styles from "./LanguageSwitch.module.css";

const LANGUAGES: { code: Language; short: string; name: string }[] = [
  { code: "ms", short: "BM", name: "Bahasa Malaysia" },
  { code: "en", short: "EN", name: "English" },
];

/** BM / EN. On the patient's screens `big` writes the names out. */
export function LanguageSwitch({ big = false, onChange }: { big?: boolean; onChange?: (language: Language) => void }) {
  const { t } = useTranslation();
  const now = currentLanguage();
  const choose = (language: Language) => {
    void keepLanguage(language);
    if (onChange) onChange(language);
    else void api.setLanguage(language).catch(() => undefined);
  };
  return (
    <div className={styles.switch} role="group" aria-label={t("common.language")} data-big={big}>
      {LANGUAGES.map(({ code, short, name }) => (
        <button
          key={code}
          type="button"
          className={styles.choice}
          aria-pressed={now === code}
          aria-label={big ? undefined : `${short}, ${name}`}
          lang={code}
          onClick={() => choose(code)}
        >
          {big ? name : short}
        </button>
      ))}
    </div>
  );
}
