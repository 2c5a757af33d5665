/**
 * Keeps the AWS SDK from warning on stderr, in every process that uses it, that its versions of 2027
 * need Node 22: which version of it runs on which Node is decided by Holdfast's own releases, not by who
 * runs `holdfast list`. For processes that are Holdfast's own; what they start inherits it. The
 * variable is the SDK's.
 */
export function silenceAwsSdkWarning(variables: NodeJS.ProcessEnv): void {
  variables['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}
