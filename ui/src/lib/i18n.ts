/** Words: one file per part of the app and language, all bundled; a missing key fails a test, never a screen. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en, ms } from "./words";

export type Language = "en" | "ms";
const KEPT = "medieco.language";

function firstLanguage(): Language {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === "en" || kept === "ms") return kept;
  } catch {
    // no storage: go by the system
  }
  return navigator.language.toLowerCase().startsWith("ms") ? "ms" : "en";
}

const followLanguage = (language: string) => {
  document.documentElement.lang = language;
};

export function startWords(language: Language = firstLanguage()) {
  void i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, ms: { translation: ms } },
    lng: language,
    fallbackLng: "en",
    interpolation: { escapeValue: false },
    returnNull: false,
    initAsync: false,
  });
  i18next.on("languageChanged", followLanguage);
  followLanguage(language);
}

export function currentLanguage(): Language {
  return i18next.language === "ms" ? "ms" : "en";
}

export function keepLanguage(language: Language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // no storage: it lasts as long as the window
  }
  return i18next.changeLanguage(language);
}
