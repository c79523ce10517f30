import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";
import { listenToBackend } from "@/api/live";
import { queries } from "@/api/queries";
import { accentOf } from "@/lib/accent";
import { themeFor } from "./theme";

function Themed({ children }: { children: ReactNode }) {
  const { data: app } = useQuery(queries.appState());
  const theme = useMemo(() => themeFor(accentOf(app?.open)), [app?.open]);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-center" autoClose={7000} containerWidth={420} />
      {children}
    </MantineProvider>
  );
}

export function Providers({ client, children }: { client: QueryClient; children: ReactNode }) {
  useEffect(() => listenToBackend(client), [client]);
  return (
    <QueryClientProvider client={client}>
      <Themed>{children}</Themed>
    </QueryClientProvider>
  );
}
