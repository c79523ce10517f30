/** Mounts the app on made-up data: `?as=doctor&lang=ms&scheme=dark&scene=first-start#/today`. */
import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@/app/tokens.css";
import { createRoot } from "react-dom/client";
import { replaceDialogs } from "@/api/native";
import { makeQueryClient } from "@/api/queries";
import { Gate } from "@/app/Gate";
import { Providers } from "@/app/Providers";
import { startWords } from "@/lib/i18n";
import { fake } from "./fake";

const asked = new URLSearchParams(location.search);
fake.scene(asked.get("scene") ?? "clinic");
fake.signInAs(asked.get("as"));
fake.playByItself();
localStorage.setItem("mantine-color-scheme-value", asked.get("scheme") ?? "light");
// The routes live in the hash; what was asked for is taken off the address.
history.replaceState(null, "", `${location.pathname}${location.hash}`);
startWords(asked.get("lang") === "ms" ? "ms" : "en");
replaceDialogs({ pickFile: async () => "/media/usb/ggml-small.bin", pickFolder: async () => "/media/usb/backups", saveAs: async (name) => `/media/usb/${name}` });
const root = document.getElementById("root");
if (!root) throw new Error("no #root");
createRoot(root).render(
  <Providers client={makeQueryClient()}>
    <Gate />
  </Providers>,
);
// Once the app listens.
if (asked.get("scene") === "not-ready") setTimeout(() => fake.madeReadySoFar(412_000, { code: "disk_full", detail: { why: "opening" } }), 500);
