# The words of the pages in English. The same keys are in every language; a test sees to it.

## Frame

skip = Skip to the content
nav = Main navigation
nav-overview = Overview
nav-hosts = Hosts
nav-events = Events
nav-sources = Sources
nav-deliveries = Deliveries
nav-actions = Actions
nav-journal = Journal
nav-about = About
foot-as-of = as of
foot-metrics = Metrics
live-on = live
live-lost = connection lost: this page is as it was
foot-language = Language
banner-paused = Nothing can be kept at this moment, so nothing is compared or told.
banner-starting = Still starting: what is shown is not the whole truth yet.
banner-no-intent = NetBox has not been read completely yet.
banner-unheard =
    { $n ->
        [one] One source has not been heard of yet.
       *[other] { $n } sources have not been heard of yet.
    }
banner-follower = This replica only reads.
banner-leader = It shows what { $leader }, which leads, saw
banner-outdated = That is too old to stand for now.
banner-untold = { $leader }, which leads, has not said yet what it sees.
banner-waiting = Nothing is known yet.

## Time

span-s = { $n } s
span-min = { $n } min
span-h = { $n } h
span-d = { $n } d
time-ago = { $span } ago
time-in = in { $span }
never = never

## Verdict

verdict-unknown = It cannot be said
verdict-in-sync = In sync
verdict-drifts =
    { $n ->
        [one] { $n } drift
       *[other] { $n } drifts
    }
verdict-blind-sources =
    { $n ->
        [one] { $n } source blind
       *[other] { $n } sources blind
    }
verdict-blind-hosts =
    { $n ->
        [one] { $n } host partly unseen
       *[other] { $n } hosts partly unseen
    }
verdict-unwatched =
    { $n ->
        [one] No drift seen, and { $n } host is watched by nobody
       *[other] No drift seen, and { $n } hosts are watched by nobody
    }
verdict-unknown-why = Not everything that is needed for a verdict is known at this moment.
verdict-blind-why = What cannot be seen may differ as well. Unknown is not absent.
verdict-drift-why = Everything can be seen, and reality is not as NetBox says.
verdict-unwatched-why = Where somebody looks, reality is as NetBox says. These hosts must run, and no source would see whether they do.
verdict-in-sync-why = Every source sees all that it looks at, and that is as NetBox says.
figure-in-sync =
    { $n ->
        [one] host in sync
       *[other] hosts in sync
    }
figure-drift =
    { $n ->
        [one] host with drifts
       *[other] hosts with drifts
    }
figure-blind =
    { $n ->
        [one] host unseen
       *[other] hosts unseen
    }
figure-unknown =
    { $n ->
        [one] host not judged
       *[other] hosts not judged
    }
figure-unwatched =
    { $n ->
        [one] host not watched
       *[other] hosts not watched
    }
figure-undeclared =
    { $n ->
        [one] host undeclared
       *[other] hosts undeclared
    }
figure-oldest = oldest complete answer:
chips-more = { $n } more
overview-now = Now
overview-empty = No drift is open.
overview-empty-next = Stop a container that NetBox declares, and it will be here within moments.
overview-empty-unsure = That is what can be seen; it is not the whole truth. See what is said above.
overview-no-store = The store does not answer, so it is not known what is open.
overview-pending =
    { $n ->
        [one] { $n } drift was just seen and waits for a second look.
       *[other] { $n } drifts were just seen and wait for a second look.
    }

## Columns

col-severity = Severity
col-what = What
col-where = Where
col-sides = Expected → observed
col-since = Since
col-source = Source
col-state = State
col-name = Host
col-drifts = Drifts
col-status = In NetBox
col-site = Site
col-tenant = Tenant
col-services = Services
col-machine = Machine
col-sources = Sources
col-service = Service
col-ports = Ports
col-image = Image
col-when = When
col-transition = What happened
col-sight = Sight
col-complete = Last complete answer
col-objects = Objects
col-gap = What is missing
col-sink = Sink
col-drift = Drift
col-attempts = Attempts
col-next = Due or settled
col-error = What the sink said
col-kind = Kind
col-actor = Who
col-text = What
col-about = About
col-action = Action
col-approved = Approved by
col-why = Why
col-handle = Handle

## Filters and lists

filter-q = Name contains
filter-state = State
filter-site = Site
filter-tenant = Tenant
filter-severity = Severity
filter-type = Type
filter-transition = What happened
filter-host = Host
filter-service = Service
filter-kind = Kind
filter-sight = Sight
filter-sink = Sink
filter-phase = Phase
filter-handle = Handle
filter-any = any
filter-go = Filter
filter-clear = Clear the filter
pager = Pages
pager-first = Back to the newest
pager-older = Older
pager-previous = Previous
pager-next = Next
pager-page = Page { $page } of { $pages }
empty-end = The list ends before this place.
empty-filter = Nothing fits this filter.
none = none
not-known = not known
mark-blind = not judged for { $span }
mark-flapping = flapping
mark-flapping-title = It comes and goes; further changes are held back until it is quiet.
mark-baseline = baseline
mark-baseline-title = It was there at the first look.
mark-silenced = silenced
mark-folded =
    { $n ->
        [one] { $n } follows from it
       *[other] { $n } follow from it
    }

## Hosts

stand-blind = Blind
stand-drift = Drift
stand-unknown = Not judged
stand-unwatched = Not watched
stand-undeclared = Undeclared
stand-in-sync = In sync
stand-idle = Nothing asked
declared-yes = declared
declared-no = not declared
declared-unknown = not known
machine-unknown = state not known
hosts-blind = { $n } blind
hosts-none = No host is declared or seen.
hosts-none-next = Declare devices and virtual machines in NetBox and see that the selection in `[netbox]` takes them in; `evenkeel doctor` says what it reads.
host-both = Declared and seen
host-services = { $n } declared, { $required } must run
host-running = { $n } running
host-machine-unseen = no source sees the machine itself
host-services-unseen = no source has shown its services yet
host-drifts = Open drifts
host-no-drifts = Nothing differs here.
host-no-drifts-blind = Nothing is known to differ, and not everything can be seen.
host-folded =
    { $n ->
        [one] { $n } consequence
       *[other] { $n } consequences
    }
host-sources = Who looks at it
host-unwatched = No source speaks about this host.
host-unwatched-next = Name a source for it in the configuration: a Docker engine, its hypervisor, a probe.
host-seen = What the sources last showed
host-seen-none = Nothing has been kept of what sources show of this host.
host-history = History
host-history-all = All events of this host
host-history-none = Nothing has happened here yet.
seen-last = last seen so
seen-none = No service: it says that there is none.
seen-outside = It looks at the machine itself, and shows no services.
seen-partly = Not everything was read:
seen-unreadable = What is kept of it cannot be read.

## Drift

side-expected = Expected
side-observed = Observed
side-arrow = but is
side-differs = differs
side-state = State
side-ports = Ports
side-role = Role
side-image = Image
side-value = Value
side-why = Cause
side-answering = answering: { $ports }
side-none-expected = nothing declared
side-none-observed = nothing there
side-undecided = cannot be decided
drift-state-pending = waits for a second look
drift-state-open = open
drift-state-resolved = resolved
drift-blind = Cannot be judged for { $span }:
drift-sides = Both sides
drift-exits = What to do
drift-actions = Actions proposed for this drift
drift-evidence = What it rests on
drift-folded = What follows from it
drift-folded-none = Nothing else is explained by it at this moment.
drift-parent = It follows from
drift-history = What happened
drift-history-none = No event is kept. A drift that follows from another has none of its own.
drift-told = Who was told
drift-told-none = Nobody was told: it was silenced, part of the first run, follows from another, or no sink is configured.
drift-others = Others with the same handle
exit-repair = Repair reality
exit-netbox = Or complete NetBox
exit-accept = Or accept it for a while
exit-accept-how = This prints an ignore rule with an end, ready for the configuration:
evidence-source = Seen by
evidence-at = Newest observation counted
evidence-seen = Observations
evidence-seen-n = shown by { $n }
evidence-clean-n = { $n } without it since
evidence-first = First seen
evidence-last = Last seen
evidence-opened = Believed
evidence-resolved = Believed gone
evidence-said = Last announced
evidence-silence = Silence
evidence-turns = Turned
evidence-handle = Handle
evidence-id = Id
sight-complete = sees everything
sight-blind = blind
sight-unknown = not configured here any more
said-missing = { $service } is declared on { $host }, but nothing of that name exists there.
said-missing-closed = { $service } is declared on { $host }, but nothing answers where it should listen.
said-missing-state = { $service } should run on { $host }, but does not ({ $state }).
said-retired = { $service } on { $host } is retired in NetBox but still runs.
said-unexpected = { $service } runs on { $host }, and NetBox does not declare it.
said-ports = { $service } on { $host } is declared on { $expected } but publishes { $observed }.
said-port-closed = { $service } on { $host } runs ({ $seen }), but of its ports { $expected } these answer: { $open } ({ $probe }).
said-vm-down = The virtual machine { $host } should run, but is { $state }.
said-vm-gone = The virtual machine { $host } should run, but no hypervisor has a machine of that name.
said-vm-undeclared = The machine { $host } ({ $key }) runs, and NetBox does not declare it.
said-exceeded = { $host }: { $what } at { $percent } %, over the limit of { $limit } %.
said-too-large = evenkeel’s own database ({ $at }) takes up { $size }, over its limit of { $limit }.
said-unreachable = { $host } cannot be reached ({ $why }).
said-blind = { $host } cannot be observed through { $source } ({ $why }).
said-blind-services =
    { $n ->
        [one] { $n } service is unknown, not missing.
       *[other] { $n } services are unknown, not missing.
    }
said-restarts =
    { $n ->
        [one] { $service } on { $host } restarted { $n } time without being asked to.
       *[other] { $service } on { $host } restarted { $n } times without being asked to.
    }
said-restarting = { $service } on { $host } keeps restarting.
said-config = { $what }, { $field }: declared as { $expected }, but it is { $observed }.
said-config-ambiguous = { $what }, { $field }: ambiguous ({ $expected }).
said-config-undeclared = { $what }, { $field }: not declared in NetBox ({ $observed }).
said-config-unknown = { $what }, { $field }: cannot be determined.

## What to do

do-closed = Make { $service } listen on { $host } again, or open the port in its firewall.
do-stopped = Start it: `docker start { $service }` on { $host }. `docker logs { $service }` says why it ended.
do-missing = Create it on { $host }, for example with `docker compose up -d { $service }`.
do-retired = Stop it: `docker stop { $service }` on { $host }.
do-unexpected = Remove it from { $host } if nobody needs it.
do-ports = Publish { $ports } on { $host }: `ports` in the Compose file of { $service }, then recreate it.
do-port-closed = { $seen } sees { $service } running on { $host }, { $probe } reaches none or not all of its ports: look at its log, its port mapping and the firewall between.
do-vm-down = Start { $host } on its hypervisor; its task log says why it stopped.
do-vm-gone = Create { $host } on its hypervisor, or restore it from a backup.
do-vm-undeclared = Stop and remove { $host } if nobody needs it.
do-exceeded = Free some, or give { $host } more; what takes the most shows on { $host } itself.
do-too-large = Keep less of it: `[store.retention]`, which runs once an hour; `evenkeel backup` first, if what goes is still wanted. What takes up how much is in the metric evenkeel_store_rows.
do-unreachable = Look after { $host }: power, network, and what its console shows.
do-blind = Make { $source } answer again; `evenkeel doctor` tries the connection step by step.
do-restart = Look why it ends: `docker logs --tail 100 { $service }` on { $host }.
do-config = Change what really is to what NetBox says.
netbox-ports = Correct the ports of the service { $service } in NetBox.
netbox-stopped = Say in NetBox that it need not run: life cycle planned or retired, or delete the service { $service }.
netbox-missing = Tell NetBox its real name (custom field container_name), that it is planned or retired, or delete the service { $service }.
netbox-retired = Take { $service } back into service in NetBox: life cycle active.
netbox-unexpected = Declare the service { $service } on { $host } in NetBox, with the ports it publishes.
netbox-offline = Say in NetBox that { $host } is offline, if it is meant to be.
netbox-vm-gone = Tell NetBox that it is planned, that it lives in another cluster, or its number (custom field proxmox_vmid) if it bears another name.
netbox-vm-undeclared = Declare the virtual machine { $host } in NetBox, in its cluster.
netbox-exceeded = Raise the limit in `[policy.limits]`.
netbox-too-large = Raise `store.size_limit`, if the disk has room.
netbox-config = Correct it in NetBox.

## Events

events-none = No event is kept yet.
events-none-next = An event is written when a drift opens, changes or resolves. `evenkeel explain` says why something is not one.
events-export = All that fit, as a file:
transition-opened = opened
transition-reopened = reopened
transition-changed = changed
transition-resolved = resolved
transition-reminder = reminder
severity-info = info
severity-low = low
severity-medium = medium
severity-high = high
severity-critical = critical
type-service-missing = Service missing
type-service-unexpected = Service unexpected
type-port-mismatch = Ports differ
type-vm-down = Machine down
type-vm-undeclared = Machine undeclared
type-docker-unreachable = Docker unreachable
type-node-unreachable = Machine unreachable
type-config-drift = Setting differs
type-snapshot-error = Source blind
type-resource-exceeded = Resource over its limit
type-restart-loop = Restarts again and again
field-identity = identity
field-name = name
field-ip = address
field-role = role
field-cluster = cluster
field-node = node
field-vcpus = processors
field-memory = memory
field-disk = disk
field-image = image
field-status = status
field-health = health
field-cpu = processor use
field-storage = storage
field-pool = pool
field-database = database
state-running = running
state-restarting = restarting
state-paused = paused
state-created = created, never started
state-exited = ended
state-closed = closed
state-stopped = stopped
state-absent = not there
state-retired = retired
state-observable = observable
state-active = active
state-planned = planned
state-staged = staged
state-offline = offline
state-failed = failed
state-inventory = in stock
state-decommissioning = being retired
state-not-yet-observed = not seen yet
state-uncovered = watched by nobody
state-unreachable = unreachable
state-timed-out = no answer in time
state-unauthorized = access refused
state-malformed = not understood
state-truncated = cut short
state-stale = too old
state-implausible = implausible
state-ambiguous = ambiguous

## Sources

sources-none = No source is configured.
sources-none-next = `evenkeel init` writes a first configuration; every key is in docs/reference.

## Deliveries

deliveries-none = Nothing was sent yet.
deliveries-none-next = A delivery is made for every sink when an event is announced. `evenkeel sink test` sends one to try.
delivery-pending = waiting
delivery-delivered = delivered
delivery-dead = given up
outbox-pending = { $n } waiting
outbox-dead = { $n } given up
outbox-oldest = the oldest waits since

## Actions

repairs-enabled = Repairs
repairs-on = Rules propose actions.
repairs-off = Switched off: nothing is proposed.
repairs-halt = Kill switch
repairs-halt-off = Not pulled.
repairs-halt-on = Pulled by { $by }
repairs-brake = Brake
repairs-brake-off = Released.
repairs-brake-on = Engaged
repairs-brake-why =
    { $n ->
        [one] { $n } drift began at once, and { $limit } may.
       *[other] { $n } drifts began at once, and { $limit } may.
    }
actions-how = To approve, reject, stop or release:
actions-none = Nothing is proposed.
actions-none-next = Actions and rules are written under `[remediation]`; docs/remediation.md shows how.
actions-held = What waits, and why
phase-waiting = waiting
phase-running = running
phase-unverified = not verified yet
phase-over = over
proposal-proposed = waits for approval
proposal-approved = approved
proposal-rejected = rejected
proposal-expired = expired
proposal-withdrawn = withdrawn
proposal-dispatched = sent
proposal-acknowledged = accepted by its receiver
proposal-succeeded = said to have worked
proposal-failed = said to have failed
proposal-timed-out = no answer in time
proposal-verified = verified
proposal-not-verified = did not help
proposal-escalated = handed to people

## Journal

journal-none = Nothing is noted yet.
journal-none-next = Decisions, actions and what was said about them are noted here, for good.
journal-decision = decision
journal-task = task
journal-action = action
journal-log = log

## About

about-lead = evenkeel compares what NetBox says with what really is, and says what differs, what cannot be seen, and why.
about-process = This process
about-version = Version
about-role = Part
about-ready = Ready
about-ready-yes = Intent was read, and every source was heard of.
about-ready-no = Not yet: see above.
about-store = Store
about-kept = What is kept
about-doors = For machines
role-leader = leads
role-follower = follows
role-waiting = waits
kept-size = On the disk
kept-events = Events
kept-deliveries = Deliveries
kept-observed = Observed snapshots
kept-expected = Expected snapshots
kept-journal = Lines of the journal
kept-proposals = Proposals
kept-notices = Notices
door-healthz = whether it lives
door-readyz = whether what it shows can be relied on
door-metrics = figures for Prometheus
door-api = the JSON API begins here

## Trouble

trouble-not-found = There is no such thing
trouble-not-found-next = It may have been forgotten, or the address was cut short on its way.
trouble-unknown-path = There is nothing at this address
trouble-unknown-path-next = The navigation above leads to every page.
trouble-bad = The address cannot be understood
trouble-bad-next = Nothing is shown rather than too much: a filter that is passed over would be believed.
trouble-store = The store does not answer
trouble-store-next = What is kept cannot be shown at this moment. Nothing is lost: it goes on by itself once the store is back.
trouble-corrupt = The store cannot read back what it holds
trouble-corrupt-next = The log names the row. `evenkeel backup` and a restore are described in the documentation.
trouble-not-known = Nothing is known yet
trouble-not-known-next = An empty page would say that there is nothing. Try again in a moment.
trouble-other = This cannot be shown
trouble-other-next = The sentence above says why.
trouble-again = Try again
trouble-home = Overview

## Pictures: map, heartbeat, trend, kiosk; both sides of services; how sources are asked

nav-map = Map
kiosk = Wall screen
kiosk-more =
    { $n ->
        [one] and { $n } more
       *[other] and { $n } more
    }
col-cluster = Cluster
col-verdict = Verdict
col-lifecycle = Life cycle
col-loopback = Only on the machine itself
col-took = Took
col-rights = Rights
col-asked = Asked next
not-shown = not shown: the host is sensitive
demand-run = must run
demand-may-run = may run
demand-either = may run or not
demand-not-run = must not run
sight-unwatched = no source looks here
sight-absent = not there
service-fresh = just seen, waits for a second look
service-unknown = Cannot be said
service-unwatched = Watched by nobody
service-accepted = Undeclared
service-in-sync = As declared
service-idle = Nothing asked
host-sides = Services: expected and observed
host-sides-unknown = This replica only reads: it knows what sources last showed (below), not how each service compares.
host-sides-none = No service is declared here, and none is seen.
host-seen-by =
    { $n ->
        [one] One source has shown something
       *[other] { $n } sources have shown something
    }
host-unwatched-services =
    { $n ->
        [one] { $n } service that must run here is watched by nobody: no source looks where it would be.
       *[other] { $n } services that must run here are watched by nobody: no source looks where they would be.
    }
host-place = Where it is
hosts-unwatched =
    { $n ->
        [one] { $n } unwatched
       *[other] { $n } unwatched
    }
filter-cluster = Cluster
filter-watch = Watched
filter-group = Group by
watch-partly = services nobody watches
group-no-site = no site
group-no-cluster = no cluster
group-no-tenant = no tenant
view = Shown as
view-table = Table
view-tiles = Tiles
tile-drifts =
    { $n ->
        [one] { $n } drift
       *[other] { $n } drifts
    }
tile-services =
    { $n ->
        [one] { $n } service declared
       *[other] { $n } services declared
    }
reach = How far back
reach-24h = 24 hours
reach-7d = 7 days
reach-30d = 30 days
past = Over time
past-no-store = The store does not answer, so nothing is known of the past.
bars = How hosts stood
bars-24h = The last 24 hours
bars-7d = The last 7 days
bars-30d = The last 30 days
bars-more =
    { $n ->
        [one] { $n } more host
       *[other] { $n } more hosts
    }
beat-in-sync = in sync
beat-drift = drift
beat-blind = blind
beat-unknown = not known
beat-share = { $word } { $n } %
trend-24h = Open drifts over the last 24 hours
trend-7d = Open drifts over the last 7 days
trend-30d = Open drifts over the last 30 days
trend-drifts = Open drifts, consequences included
trend-blind = Blind
trend-top = top line: { $n }
trend-none = Nothing was open.
trend-most = Most at { $at }: { $drifts } open, { $blind } blind.
verdict-unwatched-services =
    { $n ->
        [one] Besides: { $n } service that must run is watched by nobody.
       *[other] Besides: { $n } services that must run are watched by nobody.
    }
figure-declared-runs = of what must run does: { $part } of { $whole }
figure-running-declared = of what runs is declared: { $part } of { $whole }
figure-share-unknown =
    { $n ->
        [one] { $n } not known
       *[other] { $n } not known
    }
figure-next = next look
source-last = last answer:
took-ms = { $n } ms
took-s = { $n } s
rights-enough = enough
rights-enough-title = It proved that it sees everything.
time-now = now
source-of = of
rights-refused = refused
asking-not = not asked
asking-left-alone = left alone until
asking-in-vain =
    { $n ->
        [one] asked once in vain
       *[other] asked { $n } times in vain
    }
gap-not-yet-observed = It has not answered since the start.
gap-uncovered = Nothing configured looks there.
gap-unreachable = Nobody listens there, or the way is closed. `evenkeel doctor` tries it step by step.
gap-timed-out = It took longer than it may. `evenkeel doctor` shows how long each step takes.
gap-unauthorized = Its credentials are refused, or no longer show everything. `evenkeel doctor` says which right is missing.
gap-malformed = It answered what cannot be understood: perhaps another version, or a proxy between.
gap-truncated = Its answer ended early; it is asked again.
gap-stale = Its last answer is too old to rest anything on.
gap-implausible = It shows much less than before and is not believed yet. If it stays so, it will be.
gap-ambiguous = More than one thing answers to a name. Give one of them a label, or correct NetBox.
tree-host = host
tree-hosts = hosts
tree-node = node
tree-service = service
tree-declared = declared
tree-undeclared = not declared
tree-unwatched = nobody looks
tree-answers = answers
tree-seen = seen: { $state }
tree-count =
    { $n ->
        [one] { $n } place.
       *[other] { $n } places.
    }
tree-desc = The same is below as a list.
tree-list = The same as a list, with links
map-hosts =
    { $n ->
        [one] { $n } host
       *[other] { $n } hosts
    }
map-no-site = no site
map-no-cluster = no cluster
map-counted = { $n } × { $stand }
map-folded-hosts = Too many hosts to draw each: they are counted by cluster. Choose a site or a cluster to see them.
map-folded-services = Too many services to draw each: hosts are shown without theirs. Choose a site or a cluster to see them.
## Rules, silences, and deciding on pages

nav-rules = Rules
rule-ignore = ignored
rule-silence = silenced
rule-severity = severity
rules-none = No rule was written, and nothing is silenced.
rules-none-next = Ignore rules, silences and severities stand in the configuration; a drift's page silences that drift until a date.
rules-forever = never
rules-over = over
rules-coming = to come
rules-soon = ends soon
rules-until = until
rules-until-resolved = when resolved
rules-idle = covers nothing now
rules-tags = Tags
rules-tenants = Tenants
rules-end = End it now
col-rule = Rule
col-covers = Covers
col-owner = By
col-ends = Ends
col-hits = Drifts now
col-act = Do
again-one = Send again
again-all = Send all that was given up again
act-reason = Reason
act-may-not = You may look at this here, but not change it: that takes another role, or the replica that leads.
accept-for = For
accept-1d = a day
accept-7d = a week
accept-30d = 30 days
accept-90d = 90 days
accept-resolved = until it is resolved
accept-day = or until the end of this day (UTC)
accept-do = Accept until then
wrong-no-reason = Say why: whoever finds this later wants to know.
wrong-long-reason = The reason is too long; 1000 characters are kept.
wrong-no-end = Say until when.
wrong-early = It would be over before it begins.
wrong-too-long = Longer than it may last ({ $n } days).
decide = Decide
decide-would = Approved, this is asked for as soon as nothing holds it back:
decide-approve = Approve
decide-reject = Reject
switch = Stop or resume all repairs
switch-would = Now { $dispatch } would be sent, { $propose } would be proposed, and { $held } wait.
switch-halt = Stop all repairs
switch-resume = Let repairs go on
switch-release = Release the brake
done-silenced = Accepted: nobody is told of it until then.
done-ended = The silence is over; what is still open is told now.
done-approved = Approved.
done-rejected = Rejected.
done-halted = All repairs are stopped; what runs is not recalled.
done-resumed = Repairs go on.
done-released = The brake is released.
done-unchanged = It was so already.
done-resent = It is sent again.
## The page about the API

api-title = The API
api-lead = Everything that is shown here can be read by programs, and what can be done here can be done by them.
api-document = The document for programs (OpenAPI 3.1)
api-open = Open
api-needs = Needs
api-params = Takes
api-body = Is sent
api-answer = Answers
api-problems = Problems

## Who asks

login-title = Log in
login-name = Name
login-password = Password
login-do = Log in
logout-do = Log out
login-wrong = The name or the password is wrong.
login-wait = { $n ->
    [one] Too many tries. Wait a second, then try again.
   *[other] Too many tries. Wait { $n } seconds, then try again.
}
login-nobody = Nobody can log in here with a password: the configuration names no user. docs/access.md shows how to name one.
level-viewer = viewer
level-operator = operator
level-approver = approver
level-admin = admin
trouble-unknown = You are not known here
trouble-unknown-next = Log in, or ask whoever runs evenkeel for access.
trouble-forbidden = This is not for you
trouble-forbidden-next = It takes another role, or the page was open for too long: go back, open it again and do it once more.
