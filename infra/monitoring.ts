import { Dashboard, NotificationChannel, type AlertPolicy } from "@pulumi/gcp/monitoring/index.js";
import { createAlerts } from "./alerts.ts";
import { dashboardOf } from "./dashboard.ts";
import { createLogMetrics } from "./log-metrics.ts";
import type { Stack } from "./stack.ts";

export interface Monitoring {
  readonly alerts: readonly AlertPolicy[];
  readonly dashboard: Dashboard;
}

/** Metrics of the logs, alerts with those who get them, and the dashboard. */
export function createMonitoring(stack: Stack): Monitoring {
  const { settings, names } = stack;
  const channels = [...new Set(settings.alertEmails)].map((address) => {
    const displayName = `${names.resource("alerts")} ${address}`;
    return new NotificationChannel(`email-${address}`, {
      type: "email",
      displayName,
      labels: { email_address: address },
      userLabels: names.labels,
    });
  });
  // Both name metrics of logs. One that was made is unknown to Cloud Monitoring for up to 10 minutes, which is why no condition has it validated.
  const metrics = createLogMetrics(stack);
  const alerts = createAlerts(stack, channels, { dependsOn: [...metrics] });
  const dashboard = new Dashboard(
    "dashboard",
    { dashboardJson: JSON.stringify(dashboardOf(stack)) },
    { dependsOn: [...metrics] },
  );
  return { alerts, dashboard };
}
