import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app/tokens.css";
import { createRoot } from "react-dom/client";
import { makeQueryClient } from "@/api/queries";
import { startWords } from "@/lib/i18n";
import { Gate } from "./app/Gate";
import { Providers } from "./app/Providers";

startWords();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <Providers client={makeQueryClient()}>
    <Gate />
  </Providers>,
);
