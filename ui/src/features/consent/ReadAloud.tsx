import { Button } from "@mantine/core";
import { IconVolume } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { currentLanguage } from "@/lib/i18n";
import styles from "./Consent.module.css";

/** Reads the page aloud where the system has a voice of this language; elsewhere there is no button. */
export function ReadAloud({ text }: { text: string }) {
  const { t } = useTranslation();
  const language = currentLanguage();
  const [voice, setVoice] = useState<SpeechSynthesisVoice | null>(null);
  useEffect(() => {
    const speech = window.speechSynthesis as SpeechSynthesis | undefined;
    if (!speech) return;
    const find = () => setVoice(speech.getVoices().find((v) => v.localService && v.lang.toLowerCase().startsWith(language)) ?? null);
    find();
    speech.addEventListener("voiceschanged", find);
    return () => {
      speech.removeEventListener("voiceschanged", find);
      speech.cancel();
    };
  }, [language]);
  if (!voice) return null;
  const speak = () => {
    const words = new SpeechSynthesisUtterance(text);
    words.voice = voice;
    words.lang = voice.lang;
    window.speechSynthesis.cancel();
    window.speechSynthesis.speak(words);
  };
  return (
    <Button className={styles.big} variant="default" leftSection={<IconVolume size="1.625rem" aria-hidden />} onClick={speak}>
      {t("consent.readAloud")}
    </Button>
  );
}
