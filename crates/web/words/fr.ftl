# Les mots des pages en français. Les mêmes clés sont dans chaque langue ; un test y veille.

## Frame

skip = Aller au contenu
nav = Navigation principale
nav-overview = Vue d’ensemble
nav-hosts = Hôtes
nav-events = Événements
nav-sources = Sources
nav-deliveries = Envois
nav-actions = Actions
nav-journal = Journal
nav-about = À propos
foot-as-of = état au
foot-metrics = Métriques
live-on = en direct
live-lost = connexion perdue : cette page est restée telle quelle
foot-language = Langue
banner-paused = Rien ne peut être conservé en ce moment : rien n’est comparé ni annoncé.
banner-starting = Démarrage en cours : ce qui est affiché n’est pas encore toute la vérité.
banner-no-intent = NetBox n’a pas encore été lu en entier.
banner-unheard =
    { $n ->
        [one] Une source ne s’est pas encore manifestée.
       *[other] { $n } sources ne se sont pas encore manifestées.
    }
banner-follower = Cette réplique ne fait que lire.
banner-leader = Elle montre ce que { $leader }, qui dirige, a vu
banner-outdated = C’est trop ancien pour valoir maintenant.
banner-untold = { $leader }, qui dirige, n’a pas encore dit ce qu’il voit.
banner-waiting = On ne sait encore rien.

## Time

span-s = { $n } s
span-min = { $n } min
span-h = { $n } h
span-d = { $n } j
time-ago = il y a { $span }
time-in = dans { $span }
never = jamais

## Verdict

verdict-unknown = On ne peut pas le dire
verdict-in-sync = Tout concorde
verdict-drifts =
    { $n ->
        [one] { $n } dérive
       *[other] { $n } dérives
    }
verdict-blind-sources =
    { $n ->
        [one] { $n } source aveugle
       *[other] { $n } sources aveugles
    }
verdict-blind-hosts =
    { $n ->
        [one] { $n } hôte en partie invisible
       *[other] { $n } hôtes en partie invisibles
    }
verdict-unwatched =
    { $n ->
        [one] Aucune dérive vue, et { $n } hôte n’est surveillé par personne
       *[other] Aucune dérive vue, et { $n } hôtes ne sont surveillés par personne
    }
verdict-unknown-why = Tout ce qu’il faut pour juger n’est pas connu en ce moment.
verdict-blind-why = Ce qu’on ne voit pas peut différer aussi. Inconnu n’est pas absent.
verdict-drift-why = Tout est visible, et la réalité n’est pas ce que dit NetBox.
verdict-unwatched-why = Là où l’on regarde, la réalité est celle de NetBox. Ces hôtes doivent tourner, et aucune source ne verrait s’ils le font.
verdict-in-sync-why = Chaque source voit tout ce qu’elle regarde, et c’est ce que dit NetBox.
figure-in-sync =
    { $n ->
        [one] hôte conforme
       *[other] hôtes conformes
    }
figure-drift =
    { $n ->
        [one] hôte en dérive
       *[other] hôtes en dérive
    }
figure-blind =
    { $n ->
        [one] hôte invisible
       *[other] hôtes invisibles
    }
figure-unknown =
    { $n ->
        [one] hôte non jugé
       *[other] hôtes non jugés
    }
figure-unwatched =
    { $n ->
        [one] hôte non surveillé
       *[other] hôtes non surveillés
    }
figure-undeclared =
    { $n ->
        [one] hôte non déclaré
       *[other] hôtes non déclarés
    }
figure-oldest = plus ancienne réponse complète :
chips-more = { $n } de plus
overview-now = Maintenant
overview-empty = Aucune dérive n’est ouverte.
overview-empty-next = Arrêtez un conteneur déclaré dans NetBox : il apparaîtra ici en quelques instants.
overview-empty-unsure = C’est ce qu’on peut voir, pas toute la vérité. Voyez ci-dessus.
overview-no-store = La base ne répond pas : on ne sait pas ce qui est ouvert.
overview-pending =
    { $n ->
        [one] { $n } dérive vient d’être vue et attend un second regard.
       *[other] { $n } dérives viennent d’être vues et attendent un second regard.
    }

## Columns

col-severity = Gravité
col-what = Quoi
col-where = Où
col-sides = Attendu → observé
col-since = Depuis
col-source = Source
col-state = État
col-name = Hôte
col-drifts = Dérives
col-status = Dans NetBox
col-site = Site
col-tenant = Locataire
col-services = Services
col-machine = Machine
col-sources = Sources
col-service = Service
col-ports = Ports
col-image = Image
col-when = Quand
col-transition = Ce qui s’est passé
col-sight = Vue
col-complete = Dernière réponse complète
col-objects = Objets
col-gap = Ce qui manque
col-sink = Destination
col-drift = Dérive
col-attempts = Essais
col-next = Prévu ou réglé
col-error = Réponse de la destination
col-kind = Genre
col-actor = Qui
col-text = Quoi
col-about = Sujet
col-action = Action
col-approved = Approuvée par
col-why = Pourquoi
col-handle = Code

## Filters and lists

filter-q = Le nom contient
filter-state = État
filter-site = Site
filter-tenant = Locataire
filter-severity = Gravité
filter-type = Type
filter-transition = Ce qui s’est passé
filter-host = Hôte
filter-service = Service
filter-kind = Genre
filter-sight = Vue
filter-sink = Destination
filter-phase = Phase
filter-handle = Code
filter-any = tous
filter-go = Filtrer
filter-clear = Effacer le filtre
pager = Pages
pager-first = Retour aux plus récents
pager-older = Plus anciens
pager-previous = Précédente
pager-next = Suivante
pager-page = Page { $page } sur { $pages }
empty-end = La liste finit avant cet endroit.
empty-filter = Rien ne correspond à ce filtre.
none = aucun
not-known = inconnu
mark-blind = non jugée depuis { $span }
mark-flapping = instable
mark-flapping-title = Elle va et vient ; la suite est retenue jusqu’au calme.
mark-baseline = état initial
mark-baseline-title = Elle était là au premier passage.
mark-silenced = en sourdine
mark-folded =
    { $n ->
        [one] { $n } en découle
       *[other] { $n } en découlent
    }

## Hosts

stand-blind = Aveugle
stand-drift = Dérive
stand-unknown = Non jugé
stand-unwatched = Non surveillé
stand-undeclared = Non déclaré
stand-in-sync = Conforme
stand-idle = Rien d’attendu
declared-yes = déclaré
declared-no = non déclaré
declared-unknown = inconnu
machine-unknown = état inconnu
hosts-blind =
    { $n ->
        [one] { $n } aveugle
       *[other] { $n } aveugles
    }
hosts-none = Aucun hôte n’est déclaré ni vu.
hosts-none-next = Déclarez des équipements et des machines virtuelles dans NetBox et vérifiez que la sélection de `[netbox]` les inclut ; `evenkeel doctor` dit ce qu’il lit.
host-both = Déclaré et vu
host-services = { $n } déclarés, { $required } doivent tourner
host-running = { $n } en marche
host-machine-unseen = aucune source ne voit la machine elle-même
host-services-unseen = aucune source n’a encore montré ses services
host-drifts = Dérives ouvertes
host-no-drifts = Rien ne diffère ici.
host-no-drifts-blind = Rien de connu ne diffère, et tout n’est pas visible.
host-folded =
    { $n ->
        [one] { $n } conséquence
       *[other] { $n } conséquences
    }
host-sources = Qui le regarde
host-unwatched = Aucune source ne parle de cet hôte.
host-unwatched-next = Nommez-lui une source dans la configuration : un moteur Docker, son hyperviseur, une sonde.
host-seen = Ce que les sources ont montré en dernier
host-seen-none = Rien n’a été conservé de ce que les sources montrent de cet hôte.
host-history = Historique
host-history-all = Tous les événements de cet hôte
host-history-none = Rien ne s’est encore passé ici.
seen-last = vu ainsi
seen-none = Aucun service : elle dit qu’il n’y en a pas.
seen-outside = Elle regarde la machine elle-même, et ne montre pas de services.
seen-partly = Tout n’a pas été lu :
seen-unreadable = Ce qui en est conservé est illisible.

## Drift

side-expected = Attendu
side-observed = Observé
side-arrow = mais c’est
side-differs = diffère
side-state = État
side-ports = Ports
side-role = Rôle
side-image = Image
side-value = Valeur
side-why = Cause
side-answering = répondent : { $ports }
side-none-expected = rien de déclaré
side-none-observed = rien sur place
side-undecided = indécidable
drift-state-pending = attend un second regard
drift-state-open = ouverte
drift-state-resolved = résolue
drift-blind = Ne peut être jugée depuis { $span } :
drift-sides = Les deux côtés
drift-exits = Que faire
drift-actions = Actions proposées pour cette dérive
drift-evidence = Sur quoi elle repose
drift-folded = Ce qui en découle
drift-folded-none = Elle n’explique rien d’autre en ce moment.
drift-parent = Elle découle de
drift-history = Ce qui s’est passé
drift-history-none = Aucun événement conservé. Une dérive qui découle d’une autre n’en a pas.
drift-told = Qui a été averti
drift-told-none = Personne : elle était en sourdine, là au premier passage, découle d’une autre, ou aucune destination n’est configurée.
drift-others = D’autres avec le même code
exit-repair = Réparer la réalité
exit-netbox = Ou compléter NetBox
exit-accept = Ou l’accepter un temps
exit-accept-how = Ceci imprime une règle d’exception datée, prête pour la configuration :
evidence-source = Vue par
evidence-at = Dernière observation comptée
evidence-seen = Observations
evidence-seen-n = montrée par { $n }
evidence-clean-n = { $n } sans elle depuis
evidence-first = Vue d’abord
evidence-last = Vue en dernier
evidence-opened = Confirmée
evidence-resolved = Disparue
evidence-said = Dernière annonce
evidence-silence = Sourdine
evidence-turns = Changements
evidence-handle = Code
evidence-id = Identifiant
sight-complete = voit tout
sight-blind = aveugle
sight-unknown = n’est plus configurée ici
said-missing = { $service } est déclaré sur { $host }, mais rien de ce nom n’y existe.
said-missing-closed = { $service } est déclaré sur { $host }, mais rien ne répond là où il devrait écouter.
said-missing-state = { $service } devrait tourner sur { $host }, mais ne tourne pas ({ $state }).
said-retired = { $service } sur { $host } est retiré dans NetBox mais tourne encore.
said-unexpected = { $service } tourne sur { $host }, et NetBox ne le déclare pas.
said-ports = { $service } sur { $host } est déclaré sur { $expected } mais publie { $observed }.
said-port-closed = { $service } sur { $host } tourne ({ $seen }), mais de ses ports { $expected } ceux-ci répondent : { $open } ({ $probe }).
said-vm-down = La machine virtuelle { $host } devrait tourner, mais son état est : { $state }.
said-vm-gone = La machine virtuelle { $host } devrait tourner, mais aucun hyperviseur n’a de machine de ce nom.
said-vm-undeclared = La machine { $host } ({ $key }) tourne, et NetBox ne la déclare pas.
said-exceeded = { $host } : { $what } à { $percent } %, au-delà de la limite de { $limit } %.
said-too-large = La base d’evenkeel ({ $at }) occupe { $size }, au-delà de sa limite de { $limit }.
said-unreachable = { $host } est injoignable ({ $why }).
said-blind = { $host } ne peut être observé par { $source } ({ $why }).
said-blind-services =
    { $n ->
        [one] { $n } service est inconnu, non manquant.
       *[other] { $n } services sont inconnus, non manquants.
    }
said-restarts = { $service } sur { $host } a redémarré { $n } fois sans qu’on le lui demande.
said-restarting = { $service } sur { $host } redémarre sans cesse.
said-config = { $what }, { $field } : déclaré { $expected }, mais c’est { $observed }.
said-config-ambiguous = { $what }, { $field } : ambigu ({ $expected }).
said-config-undeclared = { $what }, { $field } : non déclaré dans NetBox ({ $observed }).
said-config-unknown = { $what }, { $field } : indéterminable.

## What to do

do-closed = Faites que { $service } écoute de nouveau sur { $host }, ou ouvrez le port dans son pare-feu.
do-stopped = Démarrez-le : `docker start { $service }` sur { $host }. `docker logs { $service }` dit pourquoi il a fini.
do-missing = Créez-le sur { $host }, par exemple avec `docker compose up -d { $service }`.
do-retired = Arrêtez-le : `docker stop { $service }` sur { $host }.
do-unexpected = Retirez-le de { $host } si personne n’en a besoin.
do-ports = Publiez { $ports } sur { $host } : `ports` dans le fichier Compose de { $service }, puis recréez-le.
do-port-closed = { $seen } voit { $service } tourner sur { $host }, { $probe } n’atteint aucun de ses ports, ou pas tous : regardez son journal, ses ports publiés et le pare-feu entre les deux.
do-vm-down = Démarrez { $host } sur son hyperviseur ; son journal de tâches dit pourquoi elle s’est arrêtée.
do-vm-gone = Créez { $host } sur son hyperviseur, ou restaurez-la depuis une sauvegarde.
do-vm-undeclared = Arrêtez et supprimez { $host } si personne n’en a besoin.
do-exceeded = Libérez-en, ou donnez-en plus à { $host } ; ce qui en prend le plus se voit sur { $host }.
do-too-large = Gardez-en moins : `[store.retention]`, qui passe une fois par heure ; `evenkeel backup` d’abord, si ce qui part est encore voulu. Ce qui prend combien est dans la métrique evenkeel_store_rows.
do-unreachable = Occupez-vous de { $host } : alimentation, réseau, et ce que montre sa console.
do-blind = Faites que { $source } réponde de nouveau ; `evenkeel doctor` essaie la connexion pas à pas.
do-restart = Cherchez pourquoi il s’arrête : `docker logs --tail 100 { $service }` sur { $host }.
do-config = Changez la réalité en ce que dit NetBox.
netbox-ports = Corrigez les ports du service { $service } dans NetBox.
netbox-stopped = Dites dans NetBox qu’il n’a pas à tourner : cycle de vie planned ou retired, ou supprimez le service { $service }.
netbox-missing = Donnez à NetBox son vrai nom (champ container_name), dites qu’il est planned ou retired, ou supprimez le service { $service }.
netbox-retired = Remettez { $service } en service dans NetBox : cycle de vie active.
netbox-unexpected = Déclarez le service { $service } sur { $host } dans NetBox, avec les ports qu’il publie.
netbox-offline = Dites dans NetBox que { $host } est offline, si c’est voulu.
netbox-vm-gone = Dites à NetBox qu’elle est planned, qu’elle vit dans un autre cluster, ou son numéro (champ proxmox_vmid) si elle porte un autre nom.
netbox-vm-undeclared = Déclarez la machine virtuelle { $host } dans NetBox, dans son cluster.
netbox-exceeded = Relevez la limite dans `[policy.limits]`.
netbox-too-large = Relevez `store.size_limit`, si le disque a de la place.
netbox-config = Corrigez-le dans NetBox.

## Events

events-none = Aucun événement n’est encore conservé.
events-none-next = Un événement s’écrit quand une dérive s’ouvre, change ou se résout. `evenkeel explain` dit pourquoi quelque chose n’en est pas un.
events-export = Tout ce qui correspond, en fichier :
transition-opened = ouverte
transition-reopened = rouverte
transition-changed = changée
transition-resolved = résolue
transition-reminder = rappel
severity-info = info
severity-low = faible
severity-medium = moyenne
severity-high = élevée
severity-critical = critique
type-service-missing = Service manquant
type-service-unexpected = Service imprévu
type-port-mismatch = Ports différents
type-vm-down = Machine à l’arrêt
type-vm-undeclared = Machine non déclarée
type-docker-unreachable = Docker injoignable
type-node-unreachable = Machine injoignable
type-config-drift = Réglage différent
type-snapshot-error = Source aveugle
type-resource-exceeded = Ressource au-delà de sa limite
type-restart-loop = Redémarre sans cesse
field-identity = identité
field-name = nom
field-ip = adresse
field-role = rôle
field-cluster = cluster
field-node = nœud
field-vcpus = processeurs
field-memory = mémoire
field-disk = disque
field-image = image
field-status = statut
field-health = santé
field-cpu = usage processeur
field-storage = stockage
field-pool = pool
field-database = base de données
state-running = en marche
state-restarting = redémarre
state-paused = en pause
state-created = créé, jamais démarré
state-exited = terminé
state-closed = fermé
state-stopped = à l’arrêt
state-absent = absent
state-retired = retiré
state-observable = observable
state-active = actif
state-planned = prévu
state-staged = préparé
state-offline = hors ligne
state-failed = en panne
state-inventory = en stock
state-decommissioning = en retrait
state-not-yet-observed = pas encore vu
state-uncovered = sans surveillance
state-unreachable = injoignable
state-timed-out = pas de réponse à temps
state-unauthorized = accès refusé
state-malformed = incompris
state-truncated = tronqué
state-stale = trop ancien
state-implausible = invraisemblable
state-ambiguous = ambigu

## Sources

sources-none = Aucune source n’est configurée.
sources-none-next = `evenkeel init` écrit une première configuration ; chaque clé est dans docs/reference.

## Deliveries

deliveries-none = Rien n’a encore été envoyé.
deliveries-none-next = Un envoi est fait vers chaque destination quand un événement est annoncé. `evenkeel sink test` en fait un d’essai.
delivery-pending = en attente
delivery-delivered = remis
delivery-dead = abandonné
outbox-pending = { $n } en attente
outbox-dead = { $n } abandonnés
outbox-oldest = le plus ancien attend depuis

## Actions

repairs-enabled = Réparations
repairs-on = Des règles proposent des actions.
repairs-off = Désactivées : rien n’est proposé.
repairs-halt = Arrêt d’urgence
repairs-halt-off = Non actionné.
repairs-halt-on = Actionné par { $by }
repairs-brake = Frein
repairs-brake-off = Desserré.
repairs-brake-on = Serré
repairs-brake-why =
    { $n ->
        [one] { $n } dérive est née d’un coup, et { $limit } sont permises.
       *[other] { $n } dérives sont nées d’un coup, et { $limit } sont permises.
    }
actions-how = Pour approuver, rejeter, arrêter ou desserrer :
actions-none = Rien n’est proposé.
actions-none-next = Actions et règles s’écrivent sous `[remediation]` ; docs/remediation.md montre comment.
actions-held = Ce qui attend, et pourquoi
phase-waiting = en attente
phase-running = en cours
phase-unverified = pas encore vérifiée
phase-over = finie
proposal-proposed = attend une approbation
proposal-approved = approuvée
proposal-rejected = rejetée
proposal-expired = expirée
proposal-withdrawn = retirée
proposal-dispatched = envoyée
proposal-acknowledged = acceptée par son destinataire
proposal-succeeded = dite réussie
proposal-failed = dite échouée
proposal-timed-out = pas de réponse à temps
proposal-verified = vérifiée
proposal-not-verified = sans effet
proposal-escalated = remise à des personnes

## Journal

journal-none = Rien n’est encore noté.
journal-none-next = Les décisions, les actions et ce qui en fut dit sont notés ici, pour de bon.
journal-decision = décision
journal-task = tâche
journal-action = action
journal-log = compte rendu

## About

about-lead = evenkeel compare ce que dit NetBox avec ce qui est, et dit ce qui diffère, ce qui ne se voit pas, et pourquoi.
about-process = Ce processus
about-version = Version
about-role = Rôle
about-ready = Prêt
about-ready-yes = L’intention a été lue, et chaque source s’est manifestée.
about-ready-no = Pas encore : voir ci-dessus.
about-store = Base
about-kept = Ce qui est conservé
about-doors = Pour les machines
role-leader = dirige
role-follower = suit
role-waiting = attend
kept-size = Sur le disque
kept-events = Événements
kept-deliveries = Envois
kept-observed = Instantanés observés
kept-expected = Instantanés attendus
kept-journal = Lignes du journal
kept-proposals = Propositions
kept-notices = Avis
door-healthz = s’il vit
door-readyz = si l’on peut s’y fier
door-metrics = chiffres pour Prometheus
door-api = l’API JSON commence ici

## Trouble

trouble-not-found = Cela n’existe pas
trouble-not-found-next = Peut-être oublié, ou l’adresse a été tronquée en chemin.
trouble-unknown-path = Il n’y a rien à cette adresse
trouble-unknown-path-next = La navigation ci-dessus mène à chaque page.
trouble-bad = L’adresse n’est pas comprise
trouble-bad-next = Rien plutôt que trop : un filtre ignoré serait cru.
trouble-store = La base ne répond pas
trouble-store-next = Ce qui est conservé ne peut être montré en ce moment. Rien n’est perdu : tout reprend dès que la base revient.
trouble-corrupt = La base ne peut relire ce qu’elle contient
trouble-corrupt-next = Le journal du programme nomme la ligne. La documentation décrit `evenkeel backup` et la restauration.
trouble-not-known = On ne sait encore rien
trouble-not-known-next = Une page vide dirait qu’il n’y a rien. Réessayez dans un instant.
trouble-other = Ceci ne peut être montré
trouble-other-next = La phrase ci-dessus dit pourquoi.
trouble-again = Réessayer
trouble-home = Vue d’ensemble

## Pictures: map, heartbeat, trend, kiosk; both sides of services; how sources are asked

nav-map = Carte
kiosk = Écran mural
kiosk-more =
    { $n ->
        [one] et { $n } autre
       *[other] et { $n } autres
    }
col-cluster = Grappe
col-verdict = Verdict
col-lifecycle = Cycle de vie
col-loopback = Seulement sur la machine
col-took = Durée
col-rights = Droits
col-asked = Prochaine demande
not-shown = non montré : hôte sensible
demand-run = doit tourner
demand-may-run = peut tourner
demand-either = peut tourner ou non
demand-not-run = ne doit pas tourner
sight-unwatched = aucune source ne regarde ici
sight-absent = absent
service-fresh = vient d’être vu, attend un second regard
service-unknown = On ne peut le dire
service-unwatched = Surveillé par personne
service-accepted = Non déclaré
service-in-sync = Comme déclaré
service-idle = Rien d’attendu
host-sides = Services : attendu et observé
host-sides-unknown = Cette réplique ne fait que lire : elle sait ce que les sources ont montré (plus bas), pas comment chaque service se compare.
host-sides-none = Aucun service n’est déclaré ici, et aucun n’est vu.
host-seen-by =
    { $n ->
        [one] Une source a montré quelque chose
       *[other] { $n } sources ont montré quelque chose
    }
host-unwatched-services =
    { $n ->
        [one] { $n } service qui doit tourner ici n’est surveillé par personne : aucune source ne regarde où il serait.
       *[other] { $n } services qui doivent tourner ici ne sont surveillés par personne : aucune source ne regarde où ils seraient.
    }
host-place = Où il est
hosts-unwatched =
    { $n ->
        [one] { $n } non surveillé
       *[other] { $n } non surveillés
    }
filter-cluster = Grappe
filter-watch = Surveillance
filter-group = Grouper par
watch-partly = services que personne ne surveille
group-no-site = sans site
group-no-cluster = sans grappe
group-no-tenant = sans client
view = Affichage
view-table = Tableau
view-tiles = Tuiles
tile-drifts =
    { $n ->
        [one] { $n } dérive
       *[other] { $n } dérives
    }
tile-services =
    { $n ->
        [one] { $n } service déclaré
       *[other] { $n } services déclarés
    }
reach = Jusqu’où
reach-24h = 24 heures
reach-7d = 7 jours
reach-30d = 30 jours
past = Au fil du temps
past-no-store = La base ne répond pas : rien n’est connu du passé.
bars = État des hôtes
bars-24h = Les dernières 24 heures
bars-7d = Les 7 derniers jours
bars-30d = Les 30 derniers jours
bars-more =
    { $n ->
        [one] { $n } autre hôte
       *[other] { $n } autres hôtes
    }
beat-in-sync = conforme
beat-drift = dérive
beat-blind = aveugle
beat-unknown = inconnu
beat-share = { $word } { $n } %
trend-24h = Dérives ouvertes, dernières 24 heures
trend-7d = Dérives ouvertes, 7 derniers jours
trend-30d = Dérives ouvertes, 30 derniers jours
trend-drifts = Dérives ouvertes, conséquences comprises
trend-blind = Aveugles
trend-top = ligne du haut : { $n }
trend-none = Rien n’était ouvert.
trend-most = Maximum à { $at } : { $drifts } ouvertes, { $blind } aveugles.
verdict-unwatched-services =
    { $n ->
        [one] En outre : { $n } service qui doit tourner n’est surveillé par personne.
       *[other] En outre : { $n } services qui doivent tourner ne sont surveillés par personne.
    }
figure-declared-runs = de ce qui doit tourner tourne : { $part } sur { $whole }
figure-running-declared = de ce qui tourne est déclaré : { $part } sur { $whole }
figure-share-unknown =
    { $n ->
        [one] { $n } inconnu
       *[other] { $n } inconnus
    }
figure-next = prochain regard
source-last = dernière réponse :
took-ms = { $n } ms
took-s = { $n } s
rights-enough = suffisants
rights-enough-title = Elle a prouvé qu’elle voit tout.
time-now = maintenant
source-of = de
rights-refused = refusés
asking-not = non demandée
asking-left-alone = laissée en paix jusqu’à
asking-in-vain =
    { $n ->
        [one] demandée une fois en vain
       *[other] demandée { $n } fois en vain
    }
gap-not-yet-observed = Elle n’a pas répondu depuis le démarrage.
gap-uncovered = Rien de configuré ne regarde là.
gap-unreachable = Personne n’écoute là, ou le chemin est fermé. `evenkeel doctor` l’essaie pas à pas.
gap-timed-out = Elle a pris plus de temps que permis. `evenkeel doctor` montre la durée de chaque étape.
gap-unauthorized = Ses accès sont refusés, ou ne montrent plus tout. `evenkeel doctor` dit quel droit manque.
gap-malformed = Elle a répondu de façon incompréhensible : peut-être une autre version, ou un proxy entre les deux.
gap-truncated = Sa réponse s’est arrêtée trop tôt ; elle sera redemandée.
gap-stale = Sa dernière réponse est trop vieille pour qu’on s’y fie.
gap-implausible = Elle montre bien moins qu’avant et n’est pas encore crue. Si cela dure, elle le sera.
gap-ambiguous = Plusieurs choses répondent à un même nom. Donnez une étiquette à l’une, ou corrigez NetBox.
tree-host = hôte
tree-hosts = hôtes
tree-node = nœud
tree-service = service
tree-declared = déclaré
tree-undeclared = non déclaré
tree-unwatched = personne ne regarde
tree-answers = répond
tree-seen = vu : { $state }
tree-count =
    { $n ->
        [one] { $n } lieu.
       *[other] { $n } lieux.
    }
tree-desc = La même chose est en liste ci-dessous.
tree-list = La même chose en liste, avec liens
map-hosts =
    { $n ->
        [one] { $n } hôte
       *[other] { $n } hôtes
    }
map-no-site = sans site
map-no-cluster = sans grappe
map-counted = { $n } × { $stand }
map-folded-hosts = Trop d’hôtes pour les dessiner tous : ils sont comptés par grappe. Choisissez un site ou une grappe pour les voir.
map-folded-services = Trop de services pour les dessiner tous : les hôtes sont montrés sans les leurs. Choisissez un site ou une grappe pour les voir.
## Rules, silences, and deciding on pages

nav-rules = Règles
rule-ignore = ignoré
rule-silence = en silence
rule-severity = gravité
rules-none = Aucune règle n’est écrite, et rien n’est mis en silence.
rules-none-next = Les règles d’exception, silences et gravités se trouvent dans la configuration ; la page d’une dérive met celle-ci en silence jusqu’à une date.
rules-forever = jamais
rules-over = terminée
rules-coming = à venir
rules-soon = finit bientôt
rules-until = jusqu’à
rules-until-resolved = une fois résolu
rules-idle = ne couvre rien en ce moment
rules-tags = Étiquettes
rules-tenants = Locataires
rules-end = Y mettre fin
col-rule = Règle
col-covers = Couvre
col-owner = Par
col-ends = Fin
col-hits = Écarts couverts
col-act = Agir
again-one = Renvoyer
again-all = Renvoyer tout ce qui fut abandonné
act-reason = Raison
act-may-not = Vous pouvez regarder ceci ici, mais pas le changer : il faut un autre rôle, ou la réplique qui dirige.
accept-for = Pendant
accept-1d = un jour
accept-7d = une semaine
accept-30d = 30 jours
accept-90d = 90 jours
accept-resolved = jusqu’à sa résolution
accept-day = ou jusqu’à la fin de ce jour (UTC)
accept-do = Accepter jusque-là
wrong-no-reason = Dites pourquoi : qui le trouvera plus tard voudra le savoir.
wrong-long-reason = La raison est trop longue ; 1000 caractères sont gardés.
wrong-no-end = Dites jusqu’à quand.
wrong-early = Ce serait fini avant de commencer.
wrong-too-long = Plus long que permis ({ $n } jours).
decide = Décider
decide-would = Approuvé, ceci est demandé dès que rien ne le retient :
decide-approve = Approuver
decide-reject = Rejeter
switch = Arrêter ou reprendre toutes les réparations
switch-would = En ce moment, { $dispatch } seraient envoyées, { $propose } seraient proposées, et { $held } attendent.
switch-halt = Arrêter toutes les réparations
switch-resume = Laisser reprendre les réparations
switch-release = Relâcher le frein
done-silenced = Accepté : personne n’en est averti jusque-là.
done-ended = Le silence est terminé ; ce qui est encore ouvert est annoncé maintenant.
done-approved = Approuvé.
done-rejected = Rejeté.
done-halted = Toutes les réparations sont arrêtées ; ce qui tourne n’est pas rappelé.
done-resumed = Les réparations reprennent.
done-released = Le frein est relâché.
done-unchanged = C’était déjà ainsi.
done-resent = C’est renvoyé.
## La page de l’API

api-title = L’API
api-lead = Tout ce qui est montré ici peut être lu par des programmes, et ce qui se fait ici peut être fait par eux.
api-document = Le document pour les programmes (OpenAPI 3.1)
api-open = Ouvrir
api-needs = Nécessite
api-params = Accepte
api-body = Reçoit
api-answer = Répond
api-problems = Problèmes

## Qui demande

login-title = Se connecter
login-name = Nom
login-password = Mot de passe
login-do = Se connecter
logout-do = Se déconnecter
login-wrong = Le nom ou le mot de passe est faux.
login-wait = { $n ->
    [one] Trop d’essais. Attendez { $n } seconde, puis réessayez.
   *[other] Trop d’essais. Attendez { $n } secondes, puis réessayez.
}
login-nobody = Personne ne peut se connecter ici avec un mot de passe : la configuration ne nomme aucun utilisateur. docs/access.md montre comment en nommer un.
level-viewer = lecteur
level-operator = opérateur
level-approver = approbateur
level-admin = administrateur
trouble-unknown = Vous n’êtes pas connu ici
trouble-unknown-next = Connectez-vous, ou demandez un accès à la personne qui gère evenkeel.
trouble-forbidden = Ceci ne vous est pas permis
trouble-forbidden-next = Il faut un autre rôle, ou la page est restée ouverte trop longtemps : revenez, rouvrez-la et recommencez.
